import type { Scope } from './scope.ts';
import { isOne, productOf, sameSizes, stridesOf, type Size } from './size.ts';

/**
 * Where an element is in a tensor of some shape, as WGSL: its number in row-major order or its coordinates, whichever is known;
 * the other is computed when something asks for it.
 */
export class Place {
  readonly shape: readonly Size[];
  readonly #scope: Scope;
  readonly #linear: string | undefined;
  readonly #coordinates: readonly string[] | undefined;

  private constructor(
    scope: Scope,
    shape: readonly Size[],
    linear: string | undefined,
    coordinates: readonly string[] | undefined,
  ) {
    this.#scope = scope;
    this.shape = shape;
    this.#linear = linear;
    this.#coordinates = coordinates;
  }

  static linear(scope: Scope, shape: readonly Size[], linear: string): Place {
    return shape.every(isOne) ? Place.first(scope, shape) : new Place(scope, shape, linear, undefined);
  }

  static at(scope: Scope, shape: readonly Size[], coordinates: readonly string[]): Place {
    return new Place(scope, shape, undefined, coordinates);
  }

  /** The one place of a tensor of one element. */
  static first(scope: Scope, shape: readonly Size[]): Place {
    return Place.at(
      scope,
      shape,
      shape.map(() => '0u'),
    );
  }

  /** Equal keys of places in one shape mean the same place. */
  get key(): string {
    return this.#linear ?? `[${this.#coordinates!.join(',')}]`;
  }

  get linear(): string {
    if (this.#linear !== undefined) return this.#linear;
    const strides = stridesOf(this.shape);
    const terms = this.#coordinates!.flatMap((coordinate, axis) => {
      if (coordinate === '0u') return [];
      return [isOne(strides[axis]!) ? coordinate : `${coordinate} * ${strides[axis]!.text}`];
    });
    return terms.length === 0 ? '0u' : this.#scope.define(terms.join(' + '));
  }

  get coordinates(): readonly string[] {
    if (this.#coordinates !== undefined) return this.#coordinates;
    const strides = stridesOf(this.shape);
    const linear = this.#linear!;
    const first = this.shape.findIndex((size) => !isOne(size));
    return this.shape.map((size, axis) => {
      if (isOne(size)) return '0u';
      const quotient = isOne(strides[axis]!) ? linear : this.#scope.define(`${linear} / ${strides[axis]!.text}`);
      return axis === first ? quotient : this.#scope.define(`${quotient} % ${size.text}`);
    });
  }

  /** The place in an operand that broadcasts to this place's shape. */
  ofOperand(shape: readonly Size[]): Place {
    if (sameSizes(shape, this.shape)) return this;
    if (shape.every(isOne)) return Place.first(this.#scope, shape);
    const own = this.coordinates.slice(this.shape.length - shape.length);
    return Place.at(
      this.#scope,
      shape,
      own.map((coordinate, axis) => (isOne(shape[axis]!) ? '0u' : coordinate)),
    );
  }

  /** The place with the same number in another shape of as many elements. */
  reshaped(shape: readonly Size[]): Place {
    if (this.#linear !== undefined) return Place.linear(this.#scope, shape, this.#linear);
    const own = this.shape.filter((size) => !isOne(size));
    const kept = this.#coordinates!.filter((_, axis) => !isOne(this.shape[axis]!));
    if (
      sameSizes(
        own,
        shape.filter((size) => !isOne(size)),
      )
    ) {
      let next = 0;
      return Place.at(
        this.#scope,
        shape,
        shape.map((size) => (isOne(size) ? '0u' : kept[next++]!)),
      );
    }
    return Place.linear(this.#scope, shape, this.linear);
  }
}

/** How many elements a shape has. */
export function countOf(shape: readonly Size[]): Size {
  return productOf(shape);
}
