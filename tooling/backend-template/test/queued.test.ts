import { describeBackend } from '@ddcl/backend-conformance';
import { queuedBackend } from '../examples/queued-backend.ts';

describeBackend('queued', () => queuedBackend());
