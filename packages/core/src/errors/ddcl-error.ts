/**
 * What went wrong, for programs that react to an error.
 *
 * - `argument`: a value outside its documented range
 * - `shape`: shapes that do not fit the operation
 * - `dtype`: dtypes that do not fit the operation (there is no promotion)
 * - `data`: numbers or files that cannot be used (NaN, too few distinct tokens, ...)
 * - `format`: bytes that are not what they claim to be
 * - `temperature`: a temperature outside (0, critical temperature)
 * - `unsupported`: the backend has no such op, dtype or feature
 * - `limit`: larger than the backend's limits allow
 * - `disposed`: a buffer, executable or backend used after its end
 * - `lost`: the device went away
 * - `aborted`: the caller's `AbortSignal` fired
 * - `internal`: a defect of this library; please report it
 */
export type DdclErrorCode =
  | 'argument'
  | 'shape'
  | 'dtype'
  | 'data'
  | 'format'
  | 'temperature'
  | 'unsupported'
  | 'limit'
  | 'disposed'
  | 'lost'
  | 'aborted'
  | 'internal';

/** Where an error happened; every field is optional and meant for machines. */
export interface DdclErrorDetails {
  /** Name of the operation, as in the program's text form. */
  readonly op?: string;
  /** Shapes of the operands, in order. */
  readonly shapes?: readonly (readonly (number | string)[])[];
  readonly cause?: unknown;
}

const marker: unique symbol = Symbol.for('ddcl.error') as never;

/**
 * The one error class of all ddcl packages. Its text says what was expected,
 * what came, and what to do. Recognise it with {@link isDdclError}: two copies of a
 * package in one process have two classes, so `instanceof` would miss half of them.
 */
export class DdclError extends Error {
  readonly code: DdclErrorCode;
  readonly op: string | undefined;
  readonly shapes: readonly (readonly (number | string)[])[] | undefined;

  constructor(code: DdclErrorCode, message: string, details: DdclErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DdclError';
    this.code = code;
    this.op = details.op;
    this.shapes = details.shapes;
    Object.defineProperty(this, marker, { value: true });
  }
}

/** Whether `value` is an error of ddcl, from whichever copy of the package; optionally of one `code`. */
export function isDdclError(value: unknown, code?: DdclErrorCode): value is DdclError {
  if (typeof value !== 'object' || value === null || !(marker in value)) return false;
  return code === undefined || (value as unknown as DdclError).code === code;
}

/** An error that only a defect of this library can cause. */
export function internalError(message: string): DdclError {
  return new DdclError('internal', `internal: ${message}. Please report this with the program that caused it.`);
}
