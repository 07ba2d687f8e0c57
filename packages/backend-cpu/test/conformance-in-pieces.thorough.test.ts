import { describeBackend } from '@ddcl/backend-conformance';
import { setPieceWork } from '../src/arithmetic/pieces.ts';
import { cpuBackend } from '../src/index.ts';

// Every case is cut, some into a hundred pieces.
setPieceWork(100);
describeBackend('cpu (in pieces)', () => cpuBackend());
