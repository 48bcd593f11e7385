import { describe, expect, test } from 'vitest';
import { MAJORS } from '../../scripts/majors.js';
import { lifeOn } from './life.ts';

const NEWER = [14, 15, 16, 17, 18];

describe.each(NEWER)('PostgreSQL %i', lifeOn);

test('no major is left out', () => expect([10, 11, 12, 13, ...NEWER]).toEqual(MAJORS));
