import { cutInSwitchover } from './lab/cutInSwitchover.ts';

cutInSwitchover('pg1');
