import {
  bindInputs,
  BoundedCache,
  DdclError,
  formatType,
  isFloat,
  planKernels,
  resultTypes,
  specialise,
  tensorType,
  walkPlan,
  type ConcreteType,
  type KernelPlan,
  type Program,
  type WalkOptions,
} from '@ddcl/core/backend';
import { vjpProgram } from '@ddcl/core';
import { tfjsComposites } from '../kernels/composites.ts';
import { tfjsKernels } from '../kernels/kernels.ts';
import { tidyAll } from '../kernels/tidy.ts';
import { requireOneCopy, requireTensor, requireTfjs } from '../require-tfjs.ts';
import type { Tfjs, TfTensor } from '../tfjs.ts';
import { traitsOf } from '../traits.ts';

/** A program as an op of tfjs: a tensor for each parameter in, a tensor for each result out. */
export type TfjsOp = (...inputs: readonly TfTensor[]) => TfTensor[];

/** How many sets of sizes a program is kept ready for. */
const sizesPerProgram = 16;

interface Ready {
  readonly plan: KernelPlan;
  readonly results: readonly ConcreteType[];
}

/**
 * A program as a differentiable op on tfjs tensors. Its gradients are those of the differentiated program, closed forms included, of any order; tfjs
 * needs no gradients registered for it. Results are tensors as of any op: a `tf.tidy` ends them.
 *
 * @throws DdclError when called: `argument` for what is no tensor of this tfjs, or another number of them; `dtype` and `shape` for tensors that do not
 *   fit the parameters; `disposed` for one that was disposed
 */
export function asTfjsOp(tf: Tfjs, program: Program): TfjsOp {
  requireTfjs(tf, 'asTfjsOp');
  const composites = Object.keys(tfjsComposites(tf));
  const ready = new BoundedCache<Ready>(sizesPerProgram);
  const backward = new Map<number, TfjsOp>();
  let options: (WalkOptions<TfTensor> & { readonly backend: string }) | undefined;

  const optionsNow = (): WalkOptions<TfTensor> => {
    if (options?.backend !== tf.getBackend()) {
      requireOneCopy(tf, 'asTfjsOp');
      options = {
        backend: tf.getBackend(),
        kernels: tidied(tf, tfjsKernels(tf, traitsOf(tf))),
        composites: Object.fromEntries(
          Object.entries(tfjsComposites(tf)).map(([name, kernel]) => [
            name,
            (inputs, call) => tidyAll(tf, () => kernel(inputs, call)),
          ]),
        ),
        copy: (tensor) => tf.clone(tensor),
        release: (tensor) => tensor.dispose(),
      };
    }
    return options;
  };
  const readyFor = (inputs: readonly TfTensor[]): Ready => {
    const types = inputs.map(({ dtype, shape }) => tensorType(dtype as 'float32', shape) as ConcreteType);
    const key = types.map(formatType).join();
    const known = ready.get(key);
    if (known !== undefined) return known;
    const concrete = specialise(program, bindInputs(program, types));
    const empty = [...types, ...resultTypes(concrete)].find(({ shape }) => shape.includes(0));
    if (empty !== undefined)
      throw new DdclError(
        'shape',
        `${program.name} as an op of tfjs takes no empty tensors, but ${formatType(empty)} is one. Leave it out.`,
      );
    const made = { plan: planKernels(concrete, composites), results: resultTypes(concrete) as ConcreteType[] };
    ready.set(key, made);
    return made;
  };
  /** The gradient by one result, made when tfjs first asks for it. */
  const backwardOf = (result: number): TfjsOp => {
    let op = backward.get(result);
    if (op === undefined) {
      op = asTfjsOp(tf, vjpProgram({ ...program, results: [program.results[result]!] }));
      backward.set(result, op);
    }
    return op;
  };

  return (...given) => {
    if (given.length !== program.parameters.length)
      throw new DdclError(
        'argument',
        `${program.name} takes ${program.parameters.length} tensors, but got ${given.length}.`,
      );
    const inputs = given.map((tensor, index) => requireTensor(tf, tensor, program.parameters[index]!, program.name));
    const { plan, results } = readyFor(inputs);
    const walk = (): readonly TfTensor[] => walkPlan(plan, inputs, optionsNow()) as readonly TfTensor[];
    const isDifferentiable = results.map(({ dtype }) => isFloat(dtype));
    if (!isDifferentiable.includes(true)) return tf.tidy(() => [...walk()]);

    // tfjs gives a custom gradient to one tensor: the first float result computes all, and the others take theirs from it.
    let others: (TfTensor | undefined)[] | undefined;
    const take = (index: number): TfTensor => {
      const taken = tf.clone(others![index]!);
      others![index]!.dispose();
      others![index] = undefined;
      return taken;
    };
    const differentiable = (result: number): TfTensor => {
      const op = tf.customGrad((...args: unknown[]) => {
        const save = args.at(-1) as (tensors: TfTensor[]) => void;
        save([...inputs]);
        others ??= tf.tidy(() => [...walk()]).map((tensor) => tf.keep(tensor));
        return {
          value: take(result),
          gradFunc: (cotangent: TfTensor, saved: TfTensor[]) => {
            const byFloats = backwardOf(result)(...saved, cotangent);
            // Integers have none, and nobody reads what stands for it.
            return saved.map(({ dtype }) => (dtype === 'float32' ? byFloats.shift()! : tf.scalar(0)));
          },
        };
      });
      return op(...inputs);
    };
    try {
      const floats = results.map((_, index) => (isDifferentiable[index] ? differentiable(index) : undefined));
      return results.map((_, index) => floats[index] ?? take(index));
    } finally {
      // What an error left.
      others?.forEach((tensor) => tensor?.dispose());
    }
  };
}

/** Kernels that leave nothing but their result. */
function tidied(tf: Tfjs, kernels: WalkOptions<TfTensor>['kernels']): WalkOptions<TfTensor>['kernels'] {
  const entries = Object.entries(kernels).map(([op, kernel]) => [
    op,
    (inputs: readonly TfTensor[], call: never) => tf.tidy(() => kernel(inputs, call)),
  ]);
  return Object.fromEntries(entries) as WalkOptions<TfTensor>['kernels'];
}
