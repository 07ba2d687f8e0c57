/** The backend of the program tests, which is published with the conformance kit. */
export {
  strictBackend,
  strictOptions,
  type StrictBackend,
  type StrictOptions,
} from '../../../backend-conformance/src/strict/strict-backend.ts';
