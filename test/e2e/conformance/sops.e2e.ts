import { GitTarget } from './git-target.ts';
import { conforms } from './suite.ts';

conforms(new GitTarget());
