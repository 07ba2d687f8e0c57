/**
 * A map that forgets what was used longest ago once it holds more than `capacity` entries. `onEvict` is called
 * once for every value that leaves it: forgotten, replaced by another, or cleared.
 */
export class BoundedCache<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #capacity: number;
  readonly #onEvict: (value: Value) => void;

  constructor(capacity: number, onEvict: (value: Value) => void = () => {}) {
    this.#capacity = capacity;
    this.#onEvict = onEvict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: string, value: Value): void {
    const replaced = this.#entries.get(key);
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (replaced !== undefined && replaced !== value) this.#onEvict(replaced);
    if (this.#entries.size <= this.#capacity) return;
    const [oldest, evicted] = this.#entries.entries().next().value!;
    this.#entries.delete(oldest);
    this.#onEvict(evicted);
  }

  /** Removes an entry and returns it; `onEvict` is not called, the value is the caller's now. */
  take(key: string): Value | undefined {
    const value = this.#entries.get(key);
    this.#entries.delete(key);
    return value;
  }

  clear(): void {
    const values = [...this.#entries.values()];
    this.#entries.clear();
    for (const value of values) this.#onEvict(value);
  }
}
