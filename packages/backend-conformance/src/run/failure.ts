/** What a case throws when a backend answers wrongly. */
export class ConformanceFailure extends Error {
  /** The worst error in units of the tolerance, where numbers were compared. */
  readonly worst: number | undefined;

  constructor(message: string, worst?: number) {
    super(message);
    this.name = 'ConformanceFailure';
    this.worst = worst;
  }
}

/** Ends a case: the backend answered wrongly. */
export function fail(message: string, worst?: number): never {
  throw new ConformanceFailure(message, worst);
}

/** Ends a case unless `condition` holds. */
export function require(condition: boolean, message: string): asserts condition {
  if (!condition) fail(message);
}
