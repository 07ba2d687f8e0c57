import { DdclError, internalError, isDdclError } from '../errors/ddcl-error.ts';
import { elementCount, formatType, type ConcreteType } from '../program/tensor-type.ts';
import type { CompositeInPieces, KernelBackendOptions, KernelInPieces } from './kernels.ts';
import { isPieces, withoutPause, type Pieces } from '../abort/pieces.ts';
import type { KernelPlan, PlanStep } from './plan.ts';

/** The part of a kernel backend that the walker needs. */
export type WalkOptions<Native extends object> = Pick<
  KernelBackendOptions<Native>,
  'kernels' | 'composites' | 'copy' | 'release' | 'check'
>;

/** Counts how many values of a run share a native tensor, since `reshape` may return its operand. */
class NativeCounts<Native extends object> {
  readonly #counts = new Map<Native, number>();

  keep(native: Native): void {
    this.#counts.set(native, (this.#counts.get(native) ?? 0) + 1);
  }

  /** Whether this was the last value behind the tensor. */
  drop(native: Native): boolean {
    const left = (this.#counts.get(native) ?? 0) - 1;
    if (left > 0) this.#counts.set(native, left);
    else this.#counts.delete(native);
    return left === 0;
  }

  get alive(): Iterable<Native> {
    return this.#counts.keys();
  }
}

/** What the kernel of a step returns. */
function runStep<Native extends object>(
  { instruction, call }: PlanStep,
  inputs: readonly Native[],
  options: WalkOptions<Native>,
): unknown {
  if (instruction.op !== 'composite') {
    const kernel = options.kernels[instruction.op] as KernelInPieces<Native, unknown>;
    return kernel(inputs, call);
  }
  const kernel: CompositeInPieces<Native> | undefined = options.composites?.[instruction.name];
  if (kernel === undefined) throw internalError(`the plan holds ${instruction.name}, for which there is no kernel`);
  return kernel(inputs, call);
}

/** What is wrong with what a kernel returned; undefined if nothing. */
function complaintAbout<Native extends object>(
  native: Native | undefined,
  type: ConcreteType,
  { check }: WalkOptions<Native>,
): string | undefined {
  if (native === undefined) return 'nothing';
  if (typeof (native as { then?: unknown }).then === 'function')
    return 'a promise (kernels do not wait: what takes time to make ready goes into `prepare`)';
  return check?.(native, type);
}

function nameOf({ instruction }: PlanStep): string {
  return instruction.op === 'composite' ? instruction.name : instruction.op;
}

function describe(step: PlanStep): string {
  return `${nameOf(step)}(${step.call.inputTypes.map(formatType).join(', ')})`;
}

/**
 * Runs a plan, one kernel after the other, releasing each intermediate after its last use. A pause may be made after each that is not
 * tiny, and within those that work in pieces.
 *
 * @param inputs a native tensor per parameter; stays the caller's. A value without elements has none.
 * @returns a native tensor per result, each owned by the caller alone and none an input
 * @throws whatever a kernel throws, as a DdclError that names the op; nothing stays allocated
 */
export function* walkInPieces<Native extends object>(
  plan: KernelPlan,
  inputs: readonly (Native | undefined)[],
  options: WalkOptions<Native>,
): Pieces<readonly (Native | undefined)[]> {
  const { program, types } = plan;
  const values: (Native | undefined)[] = [...inputs];
  const counts = new NativeCounts<Native>();
  const typeOf = new Map<Native, ConcreteType>();
  for (const native of inputs) if (native !== undefined) counts.keep(native);
  const release = (native: Native): void => options.release(native, typeOf.get(native)!);

  let current: PlanStep | undefined;
  try {
    for (const step of plan.steps) {
      current = step;
      if (step.runs) {
        const operands = step.instruction.inputs.map((id) => values[id]!);
        const made = runStep(step, operands, options);
        const whole = isPieces(made) ? yield* made : made;
        const outputs = step.instruction.op === 'composite' ? whole : [whole];
        if (!Array.isArray(outputs)) throw new Error('it returned no list of tensors, one for each output');
        if (outputs.length !== step.outputs.length) {
          throw new Error(`it returned ${outputs.length} tensors instead of ${step.outputs.length}`);
        }
        step.outputs.forEach((id, index) => {
          const native = (outputs as readonly (Native | undefined)[])[index] ?? undefined;
          if (native === undefined && !step.call.needed[index]) return;
          const complaint = complaintAbout(native, types[id]!, options);
          if (native === undefined || complaint !== undefined)
            throw new Error(`it returned ${complaint} as output ${index}, where ${formatType(types[id]!)} is needed`);
          values[id] = native;
          counts.keep(native);
          if (!typeOf.has(native)) typeOf.set(native, types[id]!);
        });
      }
      for (const id of step.dead) {
        const native = values[id];
        values[id] = undefined;
        if (native !== undefined && counts.drop(native)) release(native);
      }
      if (step.pauses) yield;
    }
    current = undefined;
    const borrowed = new Set<Native | undefined>(inputs);
    return program.results.map((id) => {
      const native = values[id];
      if (native === undefined || elementCount(types[id]!.shape) === 0) return undefined;
      if (!borrowed.has(native)) {
        borrowed.add(native);
        return native;
      }
      const copy = options.copy(native, types[id]!);
      counts.keep(copy);
      typeOf.set(copy, types[id]!);
      return copy;
    });
  } catch (error) {
    const owned = new Set(inputs);
    for (const native of counts.alive) if (!owned.has(native)) release(native);
    if (isDdclError(error)) throw error;
    const what = current === undefined ? `copying a result of ${program.name}` : `the kernel of ${describe(current)}`;
    throw new DdclError('internal', `internal: ${what} failed: ${String(error)}`, {
      ...(current && { op: nameOf(current), shapes: current.call.inputTypes.map((type) => type.shape) }),
      cause: error,
    });
  }
}

/** {@link walkInPieces} without a pause, for libraries whose hooks cannot wait (tfjs custom gradients). */
export function walkPlan<Native extends object>(
  plan: KernelPlan,
  inputs: readonly (Native | undefined)[],
  options: WalkOptions<Native>,
): readonly (Native | undefined)[] {
  return withoutPause(walkInPieces(plan, inputs, options));
}
