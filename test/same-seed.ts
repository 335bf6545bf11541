/** Has every property of fast-check tried with the seed that is asked for, as in `.ci/run`. */
import fc from 'fast-check';
import { seedVariable } from './fuzz-seed.ts';

const asked = process.env[seedVariable];
if (asked !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(asked) });
