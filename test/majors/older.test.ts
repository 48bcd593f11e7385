import { describe } from 'vitest';
import { lifeOn } from './life.ts';

// Two files, so that they run at the same time.
describe.each([10, 11, 12, 13])('PostgreSQL %i', lifeOn);
