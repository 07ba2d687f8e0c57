import { describeBackend } from '@ddcl/backend-conformance';
import { cpuBackend } from '../../src/index.ts';

// The table has the CPU backend in Node; here it must not differ.
describeBackend('cpu in a browser', () => cpuBackend(), { report: false });
