import { describeBackend } from '@ddcl/backend-conformance';
import { cpuProvider } from './support.ts';

describeBackend('ort', () => cpuProvider(), { deviations: [] });
