import type { PrimitiveAttributes } from '@ddcl/core/backend';
import type { BufferId, Expression, ExpressionOp, Value } from './value.ts';
import type { KernelModule } from './module.ts';
import { numberText } from './numbers.ts';
import { countOf, Place } from './place.ts';
import type { Scope } from './scope.ts';

type Elementwise = Exclude<
  ExpressionOp,
  'reshape' | 'transpose' | 'broadcastTo' | 'slice' | 'concat' | 'gather' | 'constant' | 'iota' | 'parts' | 'total'
>;

/** One line of WGSL for each op that takes its operands at its own place. */
function elementText(module: KernelModule, op: Elementwise, value: Expression, [a, b, c]: readonly string[]): string {
  switch (op) {
    case 'neg':
      return `-${a}`;
    case 'exp':
    case 'log':
    case 'sqrt':
      return `${op}(${a})`;
    case 'tanh':
      return `${module.use('hyperbolic_tangent')}(${a})`;
    case 'erf':
      return `${module.use('error_function')}(${a})`;
    case 'add':
      return `${a} + ${b}`;
    case 'sub':
      return `${a} - ${b}`;
    case 'mul':
      return `${a} * ${b}`;
    case 'div':
      return `${a} / ${b}`;
    case 'maximum':
      return `max(${a}, ${b})`;
    case 'minimum':
      return `min(${a}, ${b})`;
    case 'less':
      return `i32(${a} < ${b})`;
    case 'equal':
      return `i32(${a} == ${b})`;
    case 'select':
      return `select(${c}, ${b}, ${a} != 0i)`;
    case 'cast':
      return value.inputs[0]!.scalar === value.scalar ? a! : `${value.scalar}(${a})`;
    case 'detach':
      return a!;
  }
}

/** Writes the elements of values. Makes each of them once for a place, and names it. */
export class ExpressionWriter {
  readonly #module: KernelModule;
  readonly #scope: Scope;
  /** Buffers that this kernel itself writes, with the name of the element that the thread just made. */
  readonly #own = new Map<BufferId, { readonly linear: string; readonly name: string }>();

  readonly #totals = new Map<Expression, string>();

  /** @param scope where statements go: the kernel's own, or those of one of its functions */
  constructor(module: KernelModule, scope: Scope = module.scope) {
    this.#module = module;
    this.#scope = scope;
  }

  /** Tells that the element of `buffer` at `linear` has a name, so that what reads it there need not load it. */
  made(buffer: BufferId, linear: string, name: string): void {
    this.#own.set(buffer, { linear, name });
  }

  /** Tells the name of a total. */
  totalled(total: Expression, name: string): void {
    this.#totals.set(total, name);
  }

  /** The name of a value's element at a place. */
  element(value: Value, place: Place): string {
    const scope = this.#scope;
    if (value.kind === 'stored') {
      const own = this.#own.get(value.buffer);
      if (own !== undefined && own.linear === place.linear) return own.name;
      const { linear } = place;
      if (!value.half) return scope.define(`${this.#module.read(value.buffer, value.scalar)}[${linear}]`);
      const words = this.#module.read(value.buffer, 'u32');
      return scope.define(`${this.#module.use('half')}(${words}[${linear} / 2u], ${linear} & 1u)`);
    }
    const key = `${numberOf(value)}@${place.key}`;
    const known = scope.recall(key);
    if (known !== undefined) return known;
    const name = scope.define(this.#text(value, place));
    scope.remember(key, name);
    return name;
  }

  #text(value: Expression, place: Place): string {
    const scope = this.#scope;
    const [x, y] = value.inputs;
    switch (value.op) {
      case 'constant': {
        const { data } = value.attributes as PrimitiveAttributes['constant'];
        return numberText(value.scalar, data[0]!);
      }
      case 'iota': {
        const { axis } = value.attributes as PrimitiveAttributes['iota'];
        return `${value.scalar}(${place.coordinates[axis]!})`;
      }
      case 'reshape':
        return this.element(x!, place.reshaped(x!.shape));
      case 'broadcastTo':
        return this.element(x!, place.ofOperand(x!.shape));
      case 'transpose': {
        const { permutation } = value.attributes as PrimitiveAttributes['transpose'];
        const { coordinates } = place;
        const own = x!.shape.map((_, axis) => coordinates[permutation.indexOf(axis)]!);
        return this.element(x!, Place.at(scope, x!.shape, own));
      }
      case 'slice': {
        const { starts } = value.attributes as PrimitiveAttributes['slice'];
        const own = place.coordinates.map((at, axis) =>
          starts[axis] === 0 ? at : at === '0u' ? `${starts[axis]}u` : scope.define(`${at} + ${starts[axis]}u`),
        );
        return this.element(x!, Place.at(scope, x!.shape, own));
      }
      case 'gather': {
        const { coordinates } = place;
        const rank = y!.shape.length;
        const row = this.element(y!, Place.at(scope, y!.shape, coordinates.slice(0, rank)));
        const own = [scope.define(`u32(${row})`), ...coordinates.slice(rank)];
        return this.element(x!, Place.at(scope, x!.shape, own));
      }
      case 'parts': {
        const [count] = x!.shape;
        const name = scope.fresh();
        const { linear } = place;
        scope.line(`var ${name} = 0.0;`);
        scope.block(`for (var s = 0u; s < ${count!.text}; s++)`, () => {
          const at = scope.define(`s * ${countOf(value.shape).text} + ${linear}`);
          scope.line(`${name} += ${this.element(x!, Place.linear(scope, x!.shape, at))};`);
        });
        return name;
      }
      case 'total': {
        const name = this.#totals.get(value);
        if (name === undefined) throw new TypeError('a total outside of a map');
        return name;
      }
      case 'concat':
        return this.#concat(value, place);
      default: {
        const operands = value.inputs.map((input) => this.element(input, place.ofOperand(input.shape)));
        return elementText(this.#module, value.op, value, operands);
      }
    }
  }

  /** Only the operand that the place lies in is computed. */
  #concat(value: Expression, place: Place): string {
    const scope = this.#scope;
    const { axis } = value.attributes as PrimitiveAttributes['concat'];
    const { coordinates } = place;
    const at = coordinates[axis]!;
    const name = scope.fresh();
    scope.line(`var ${name}: ${value.scalar};`);
    const begins = [''];
    for (const { shape } of value.inputs) {
      const [begin, size] = [begins.at(-1)!, shape[axis]!.text];
      begins.push(begin === '' ? size : scope.define(`${begin} + ${size}`));
    }
    value.inputs.forEach((input, index) => {
      const isLast = index === value.inputs.length - 1;
      scope.block(`${index === 0 ? '' : 'else '}${isLast ? '' : `if (${at} < ${begins[index + 1]})`}`, () => {
        const own = coordinates.map((each, other) =>
          other === axis && index > 0 ? scope.define(`${each} - ${begins[index]}`) : each,
        );
        scope.line(`${name} = ${this.element(input, Place.at(scope, input.shape, own))};`);
      });
    });
    return name;
  }
}

const numbers = new WeakMap<Expression, number>();
let next = 0;

/** A number for each expression, to find it again in a kernel; it never reaches the text. */
function numberOf(value: Expression): number {
  const known = numbers.get(value);
  if (known !== undefined) return known;
  numbers.set(value, next);
  return next++;
}
