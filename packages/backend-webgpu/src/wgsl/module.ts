import type { BufferId } from './value.ts';
import { functions, type FunctionName } from './functions.ts';
import { Scope } from './scope.ts';
import { memberOf } from './size.ts';

/** A buffer as one binding of a kernel. */
export interface Binding {
  readonly buffer: BufferId;
  readonly access: 'read' | 'write';
}

/** One dispatch: a kernel with its buffers. */
export interface Dispatch {
  readonly label: string;
  readonly code: string;
  /** In the order of their numbers in the code; `sizes` comes after them. */
  readonly bindings: readonly Binding[];
  /** The content of the uniform `sizes`; undefined for a kernel that has none. */
  readonly sizes: readonly number[] | undefined;
  /** Workgroups, counted along one line. */
  readonly groups: number;
  /** Floating-point operations, about. */
  readonly flops: number;
  /** Bytes of global memory read and written, each element counted once. */
  readonly bytes: number;
}

/** Symbols of a program, or sizes of a kernel that many programs share, with their numbers in this plan. */
export type Symbols = Readonly<Record<string, number>>;

export interface KernelText {
  readonly label: string;
  /** Shapes and what is computed, for people; no size that a symbol stands for. */
  readonly comment: string;
  readonly threads: number;
  readonly groups: number;
  readonly flops: number;
  readonly bytes: number;
}

type Element = 'f32' | 'i32' | 'u32' | 'vec4f' | 'vec2f';

/** A kernel that is being written: its bindings, shared memory, functions and statements. */
export class KernelModule {
  readonly scope: Scope = new Scope();
  readonly #symbols: Symbols;
  readonly #names = new Map<string, string>();
  readonly #bindings: Binding[] = [];
  readonly #declarations: string[] = [];
  readonly #functions = new Map<string, string>();

  /** @param symbols what may be a member of `sizes`, in order */
  constructor(symbols: Symbols) {
    this.#symbols = symbols;
  }

  /** The name of an array that the kernel reads. */
  read(buffer: BufferId, element: Element): string {
    return this.#bind(buffer, 'read', element);
  }

  /** The name of an array that the kernel writes, and nothing else. */
  write(buffer: BufferId, element: Element): string {
    return this.#bind(buffer, 'write', element);
  }

  /** Memory that the threads of a workgroup share. Written before it is read, always. */
  shared(name: string, type: string): void {
    this.#declarations.push(`var<workgroup> ${name}: ${type};`);
  }

  /** Makes a function of the library known; returns its name. */
  use(name: FunctionName): string {
    this.#functions.set(name, functions[name]);
    return name;
  }

  /** Adds a function of the kernel's own. */
  define(name: string, text: string): void {
    this.#functions.set(name, text);
  }

  /** The whole text. In its statements `group` is the number of the workgroup, `lane` that of the thread within it. */
  finish({ label, comment, threads, groups, flops, bytes }: KernelText): Dispatch {
    const body = `${[...this.#functions.values()].join('\n')}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) place: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = place.y * grid.x + place.x;
${this.scope.toString()}
}`;
    // Only those it names: a kernel whose text has none of the program's symbols serves programs with and without them.
    const named = new Set([...body.matchAll(/\bsizes\.(\w+)/g)].map(([, member]) => member));
    const used = Object.entries(this.#symbols).filter(([symbol]) => named.has(memberOf(symbol)));
    const sizes =
      used.length > 0
        ? [
            `struct Sizes { ${used.map(([symbol]) => `${memberOf(symbol)}: u32`).join(', ')} }`,
            `@group(0) @binding(${this.#bindings.length}) var<uniform> sizes: Sizes;`,
          ]
        : [];
    const code = [`// ${label}: ${comment}`, ...this.#declarations, ...sizes, body].join('\n');
    const content = used.length > 0 ? used.map(([, value]) => value) : undefined;
    return { label, code, bindings: this.#bindings, sizes: content, groups, flops, bytes };
  }

  #bind(buffer: BufferId, access: Binding['access'], element: Element): string {
    const key = `${buffer} ${element}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const number = this.#bindings.length;
    const name = `${access === 'read' ? 'in' : 'out'}${number}`;
    const mode = access === 'read' ? 'read' : 'read_write';
    this.#declarations.push(`@group(0) @binding(${number}) var<storage, ${mode}> ${name}: array<${element}>;`);
    this.#bindings.push({ buffer, access });
    this.#names.set(key, name);
    return name;
  }
}
