import type { Dimension, Shape } from '@ddcl/core/backend';

/**
 * A size as a kernel knows it: its number in this plan, and how WGSL writes it. A symbol is written as a member of the uniform
 * `sizes`, so that all lengths of a symbolic program share their pipelines; decisions look at the number.
 */
export interface Size {
  readonly value: number;
  readonly text: string;
}

export function literal(value: number): Size {
  return { value, text: `${value}u` };
}

/** Member of the uniform `sizes` that holds a symbol; a prefix keeps it apart from the words of WGSL. */
export function memberOf(symbol: string): string {
  return `size_${symbol}`;
}

export function sizeOf(dimension: Dimension, bindings: Readonly<Record<string, number>>): Size {
  if (typeof dimension === 'number') return literal(dimension);
  return { value: bindings[dimension]!, text: `sizes.${memberOf(dimension)}` };
}

export function sizesOf(shape: Shape, bindings: Readonly<Record<string, number>>): Size[] {
  return shape.map((dimension) => sizeOf(dimension, bindings));
}

function isLiteral({ text }: Size): boolean {
  return /^\d+u$/.test(text);
}

/** Whether a size is 1 whatever the symbols are: such axes broadcast, and their coordinate is 0. */
export function isOne({ text }: Size): boolean {
  return text === '1u';
}

/** The product of sizes; numbers are multiplied here, symbols in the kernel. */
export function productOf(sizes: readonly Size[]): Size {
  const value = sizes.reduce((total, size) => total * size.value, 1);
  const symbols = sizes.filter((size) => !isLiteral(size));
  if (symbols.length === 0) return literal(value);
  const known = sizes.filter(isLiteral).reduce((total, size) => total * size.value, 1);
  const factors = [...symbols.map(({ text }) => text), ...(known === 1 ? [] : [`${known}u`])];
  return { value, text: factors.length === 1 ? factors[0]! : `(${factors.join(' * ')})` };
}

export function sameSizes(a: readonly Size[], b: readonly Size[]): boolean {
  return a.length === b.length && a.every(({ text }, axis) => text === b[axis]!.text);
}

/** Elements between neighbours along each axis, row-major. */
export function stridesOf(shape: readonly Size[]): Size[] {
  return shape.map((_, axis) => productOf(shape.slice(axis + 1)));
}
