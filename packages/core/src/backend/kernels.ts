import type { PrimitiveAttributes, PrimitiveOp } from '../program/attributes.ts';
import type { CompositeAttributes } from '../program/program.ts';
import type { ConcreteType } from '../program/tensor-type.ts';
import type { NativeTensors } from './compiler.ts';
import type { Capabilities } from './contract.ts';
import type { Pieces } from '../abort/pieces.ts';
import type { PlanStep } from './plan.ts';

/** What a kernel is told beside its operands. Types and attributes are checked before any kernel runs. */
export interface KernelCall<Attributes> {
  readonly attributes: Attributes;
  readonly inputTypes: readonly ConcreteType[];
  readonly outputType: ConcreteType;
}

/** As {@link KernelCall}, for a composite, which may have several outputs. */
export interface CompositeCall {
  readonly attributes: CompositeAttributes;
  readonly inputTypes: readonly ConcreteType[];
  readonly outputTypes: readonly ConcreteType[];
  /** Which outputs something needs; at least one. */
  readonly needed: readonly boolean[];
}

/**
 * Computes one primitive. Never changes its operands. Returns a new native tensor; `reshape`,
 * `detach`, and a `cast` or `broadcastTo` that changes nothing, may return the operand itself. No operand and no output is empty:
 * core removes such instructions.
 */
export type Kernel<Native, Attributes> = (inputs: readonly Native[], call: KernelCall<Attributes>) => Native;

/** Computes a composite in one go; returns one new native tensor per output, or undefined in the place of one that is not needed. */
export type CompositeKernel<Native> = (
  inputs: readonly Native[],
  call: CompositeCall,
) => readonly (Native | undefined)[];

/** As {@link Kernel}, on the calling thread: what may take long is done in pieces, between which the event loop may have a turn. */
export type KernelInPieces<Native, Attributes> = (
  inputs: readonly Native[],
  call: KernelCall<Attributes>,
) => Native | Pieces<Native>;

/** As {@link CompositeKernel}, in pieces where it may take long. */
export type CompositeInPieces<Native> = (
  inputs: readonly Native[],
  call: CompositeCall,
) => readonly (Native | undefined)[] | Pieces<readonly (Native | undefined)[]>;

/** One kernel per primitive op. A table that lacks one does not compile. */
export type KernelTable<Native> = {
  readonly [Op in PrimitiveOp]: KernelInPieces<Native, PrimitiveAttributes[Op]>;
};

/** What {@link backendFromKernels} needs to make a whole backend. */
export interface KernelBackendOptions<Native extends object> extends NativeTensors<Native> {
  /** `composites` is filled in from the table of the same name (see {@link tokenPassName}). */
  readonly capabilities: Omit<Capabilities, 'composites'>;
  readonly kernels: KernelTable<Native>;
  /** Kernels for composites by versioned name; the others run decomposed. That of `ddcl.tokenPass/1` stands for {@link tokenPassComposites}. */
  readonly composites?: Readonly<Record<string, CompositeInPieces<Native>>>;
  /**
   * Makes ready what kernels need and cannot wait for, such as pipelines: called once for each program and set of sizes, before its first run,
   * with the calls that the run will make. The run waits for it.
   */
  prepare?(steps: readonly PlanStep[]): Promise<void>;
}
