import type { TypedArray } from '../program/dtype.ts';
import type { Program } from '../program/program.ts';
import type { ConcreteType } from '../program/tensor-type.ts';
import type { Capabilities } from './contract.ts';
import type { Work } from '../abort/pieces.ts';

/** What a backend's native tensors are to core, whether it has kernels or compiles whole programs. */
export interface NativeTensors<Native extends object> {
  readonly name: string;
  /** Copies host data into a new native tensor. Never called for a type without elements. */
  upload(type: ConcreteType, data: TypedArray): Native;
  /** Copies a native tensor out; the native tensor is not released before that is done. */
  download(native: Native, type: ConcreteType): Promise<TypedArray>;
  /** A new native tensor with the same elements; for programs that return a parameter, or a value twice. */
  copy(native: Native, type: ConcreteType): Native;
  /** Called exactly once for every native tensor made, when nothing needs it any more; never for a borrowed one. */
  release(native: Native, type: ConcreteType): void;
  /** Called once, after everything was released. */
  dispose?(): void;
  /**
   * Resolves if the device goes away; never resolves if left out. From then on core refuses uploads, compilations, runs and downloads with `lost`,
   * and ends those under way with it.
   */
  readonly lost?: Promise<{ readonly reason: string }>;
  /**
   * What is wrong with a native tensor as a value of a type, such as `'[3,2]'`; undefined if nothing. Asked of every result of a kernel and every
   * borrowed tensor, so that a wrong one is found where it was made.
   */
  check?(native: Native, type: ConcreteType): string | undefined;
  /**
   * Runs compute on the calling thread. The event loop then gets a turn every 25 ms, between runs and between the pieces of one, so that timers,
   * signals and input are heard.
   */
  readonly blocks?: boolean;
  /** A tensor of the library as a native one, without a copy; core never releases it. Comes with `unwrap`. */
  wrap?(native: unknown, type: ConcreteType): Native;
  /** The library's tensor behind a native one, which stays its owner. */
  unwrap?(native: Native): unknown;
}

/** A concrete program, compiled. */
export interface CompiledProgram<Native> {
  /**
   * Runs once. Inputs stay the caller's and are not released before the run is over; one without elements is undefined, and nothing reads it.
   * @returns one native tensor per result: new ones, which core owns, or inputs and results given before, which core copies. They may be
   *   promised by the library (a queue whose numbers arrive later): `download` waits for them. In pieces where it computes on the calling
   *   thread; work that nobody wants any more ends there.
   */
  run(inputs: readonly (Native | undefined)[]): Work<readonly (Native | undefined)[]>;
  /** Called once, when no run is under way and none will come. */
  dispose?(): void;
}

/** What {@link backendFromCompiler} needs to make a whole backend. */
export interface CompilerBackendOptions<Native extends object> extends NativeTensors<Native> {
  /** Composites that it names are left in the program; others come decomposed. */
  readonly capabilities: Capabilities;
  /**
   * Makes a concrete program ready. Its types and attributes are checked, all its composites are named in the capabilities, and no instruction
   * and no result is without elements. It is not to be changed.
   */
  compile(program: Program): CompiledProgram<Native> | Promise<CompiledProgram<Native>>;
}
