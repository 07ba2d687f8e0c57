import { describeBackend } from '@ddcl/backend-conformance';
import { myBackend } from '../src/index.ts';

describeBackend('my-backend', () => myBackend(), {
  // Cases that the library cannot pass, each with its reason. They still run: one that passes is to be taken off the list.
  deviations: [],
  // Ops that it computes with fewer digits, each with the reason, such as { log: { ulps: { float32: 16, float64: 4 }, reason: '...' } }.
  tolerances: {},
});
