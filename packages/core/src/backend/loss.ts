import { DdclError } from '../errors/ddcl-error.ts';

/** Whether a device went away, and who has to hear of it. */
export class Loss {
  readonly #backend: string;
  readonly #mayHappen: boolean;
  readonly #waiting = new Set<(error: DdclError) => void>();
  #reason: string | undefined;

  constructor(backend: string, lost: Promise<{ readonly reason: string }> | undefined) {
    this.#backend = backend;
    this.#mayHappen = lost !== undefined;
    void lost?.then(({ reason }) => {
      this.#reason = reason;
      for (const reject of this.#waiting) reject(this.#error('what was under way'));
      this.#waiting.clear();
    });
  }

  #error(use: string): DdclError {
    return new DdclError(
      'lost',
      `${use}: the device of the backend '${this.#backend}' went away: ${this.#reason}. Make a new backend.`,
    );
  }

  /** @throws DdclError `lost` if the device went away */
  require(use: string): void {
    if (this.#reason !== undefined) throw this.#error(use);
  }

  /** The promise, or `lost` as soon as the device goes, whatever the promise does then. */
  guard<Value>(use: string, promise: Promise<Value>): Promise<Value> {
    if (!this.#mayHappen) return promise;
    return new Promise<Value>((resolve, reject) => {
      this.#waiting.add(reject);
      const settle = (): void => {
        this.#waiting.delete(reject);
      };
      promise.then(
        (value) => {
          settle();
          resolve(value);
        },
        (error: unknown) => {
          settle();
          reject(this.#reason === undefined ? error : this.#error(use));
        },
      );
    });
  }
}
