import { afterAll } from 'vitest';
import { stopServer } from './commands/server.ts';

// In a file of its own, because the modules of a worker are evaluated once for all test files, and this for each.
afterAll(stopServer);
