import { ClusterTarget } from './cluster-target.ts';
import { conforms } from './suite.ts';

conforms(new ClusterTarget({ name: 'kubernetes' }));
