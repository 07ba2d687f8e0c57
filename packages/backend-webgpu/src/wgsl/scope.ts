const atom = /^(\w+|\w+\.\w+)$/;

/** The statements of a kernel's function so far. What was computed once is named, and found again by its text. */
export class Scope {
  readonly #lines: string[] = [];
  #names = new Map<string, string>();
  #indent = '  ';
  #count = 0;

  line(text: string): void {
    this.#lines.push(`${this.#indent}${text}`);
  }

  /** The name of a value: of the same text before, or a new one. Names and literals are their own. */
  define(text: string): string {
    if (atom.test(text)) return text;
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const name = this.fresh();
    this.line(`let ${name} = ${text};`);
    this.#names.set(text, name);
    return name;
  }

  /** A name that nothing has yet. */
  fresh(): string {
    return `v${this.#count++}`;
  }

  /** Remembers the name of something that is not told by its text. */
  remember(key: string, name: string): void {
    this.#names.set(key, name);
  }

  recall(key: string): string | undefined {
    return this.#names.get(key);
  }

  /** A block; what is named in it ends with it. */
  block(head: string, body: () => void): void {
    const outer = this.#names;
    this.line(`${head} {`);
    this.#names = new Map(outer);
    this.#indent += '  ';
    body();
    this.#indent = this.#indent.slice(2);
    this.#names = outer;
    this.line('}');
  }

  toString(): string {
    return this.#lines.join('\n');
  }
}
