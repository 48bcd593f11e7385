import { partitions } from './lab/partitions.ts';

for (const when of ['before', 'during', 'after'] as const) partitions('cut', when);
