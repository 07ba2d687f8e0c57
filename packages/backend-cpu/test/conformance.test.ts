import { describeBackend } from '@ddcl/backend-conformance';
import { cpuBackend } from '../src/index.ts';

describeBackend('cpu', () => cpuBackend());
describeBackend('cpu (decomposed)', () => cpuBackend({ fused: false }));
