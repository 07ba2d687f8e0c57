import {
  type Kernel,
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
import { splitGradient, vjpProgram } from '@ddcl/core';
import { compositeNames, tfjsComposites } from '../kernels/composites.ts';
import { tfjsKernels } from '../kernels/kernels.ts';
import { tidyAll } from '../kernels/tidy.ts';
import { requireOneCopy, requireTensor, requireTfjs } from '../require-tfjs.ts';
import type { Tfjs, TfTensor } from '../tfjs.ts';
import { traitsOf } from '../traits.ts';
import { carriedResults } from './carried-results.ts';

/** A program as an op of tfjs: a tensor for each parameter in, a tensor for each result out. */
export type TfjsOp = (...inputs: readonly TfTensor[]) => TfTensor[];

/** How many sets of sizes a program is kept ready for. */
const sizesPerProgram = 16;

/** A program at some sizes, without gradient, and with one once it is asked for. */
interface Ready {
  readonly program: Program;
  readonly plan: KernelPlan;
  split?: Split;
}

interface Split {
  readonly forward: KernelPlan;
  /** For those cotangents that there are. */
  readonly backward: (isThere: readonly boolean[]) => KernelPlan;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/**
 * A program as a differentiable op on tfjs tensors. Its gradients are those of the differentiated program, closed forms included, of any order; tfjs
 * needs no gradients registered for it. Nothing that the op has made is made again for them, and all results together take one pass back. Results are tensors
 * as of any op: a `tf.tidy` ends them.
 *
 * @throws DdclError when called: `argument` for what is no tensor of this tfjs, or another number of them; `dtype` and `shape` for tensors that do not
 *   fit the parameters; `disposed` for one that was disposed
 */
export function asTfjsOp(tf: Tfjs, program: Program): TfjsOp {
  requireTfjs(tf, 'asTfjsOp');
  const ready = new BoundedCache<Ready>(sizesPerProgram);
  const again = new Map<string, TfjsOp>();
  let options: (WalkOptions<TfTensor> & { readonly backend: string }) | undefined;

  const optionsNow = (): WalkOptions<TfTensor> => {
    if (options?.backend !== tf.getBackend()) {
      requireOneCopy(tf, 'asTfjsOp');
      const traits = traitsOf(tf);
      options = {
        backend: tf.getBackend(),
        kernels: tidied(tf, tfjsKernels(tf, traits)),
        composites: Object.fromEntries(
          Object.entries(tfjsComposites(tf, traits)).map(([name, kernel]) => [
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
    const made: Ready = { program: concrete, plan: planKernels(concrete, compositeNames) };
    ready.set(key, made);
    return made;
  };
  const splitOf = (made: Ready): Split => {
    if (made.split === undefined) {
      const { forward, backward, inputs, outputs } = splitGradient(made.program, compositeNames);
      const plans = new Map<string, KernelPlan>();
      made.split = {
        forward: planKernels(forward, compositeNames),
        backward: (isThere) => {
          const key = isThere.join();
          const plan = plans.get(key) ?? planKernels(backward(isThere), compositeNames);
          plans.set(key, plan);
          return plan;
        },
        inputs,
        outputs,
      };
    }
    return made.split;
  };
  const walk = (plan: KernelPlan, inputs: readonly TfTensor[]): TfTensor[] => [
    ...(walkPlan(plan, inputs, optionsNow()) as readonly TfTensor[]),
  ];
  /** Gradients from the inputs alone, so that they have gradients themselves. */
  const differentiably = (
    results: readonly number[],
    inputs: readonly TfTensor[],
    cotangents: readonly TfTensor[],
  ): TfTensor[] => {
    const key = results.join();
    let op = again.get(key);
    if (op === undefined) {
      op = asTfjsOp(tf, vjpProgram({ ...program, results: results.map((index) => program.results[index]!) }));
      again.set(key, op);
    }
    return op(...inputs, ...cotangents);
  };
  const floats = [...program.parameters.keys()].filter((index) => isFloat(program.parameters[index]!.dtype));

  return (...given) => {
    if (given.length !== program.parameters.length)
      throw new DdclError(
        'argument',
        `${program.name} takes ${program.parameters.length} tensors, but got ${given.length}.`,
      );
    const inputs = given.map((tensor, index) => requireTensor(tf, tensor, program.parameters[index]!, program.name));
    const made = readyFor(inputs);
    if (!(tf.engine().state.gradientDepth > 0)) return tf.tidy(() => walk(made.plan, inputs));
    const { forward, backward, inputs: wrt, outputs } = splitOf(made);
    if (wrt.length === 0) return tf.tidy(() => walk(made.plan, inputs));
    return carriedResults(tf, {
      inputs: wrt.map((index) => inputs[index]!),
      outputs,
      run: () => {
        const all = tf.tidy(() => walk(forward, inputs));
        const results = all.splice(0, program.results.length);
        return { results, save: [...inputs, ...all] };
      },
      pullBack: (saved, cotangents) => {
        const own = saved.slice(0, inputs.length);
        const used = outputs.flatMap((result, index) => (cotangents[index] === undefined ? [] : [result]));
        const flowing = cotangents.filter((each) => each !== undefined);
        // While tfjs differentiates this pass too, what the first has made says nothing of where it came from.
        if (tf.engine().state.gradientDepth > 0) {
          const all = differentiably(used, own, flowing);
          return wrt.map((index) => all[floats.indexOf(index)]!);
        }
        return tf.tidy(() => walk(backward(cotangents.map((each) => each !== undefined)), [...saved, ...flowing]));
      },
    });
  };
}

/** Kernels that leave nothing but their result. */
function tidied(tf: Tfjs, kernels: WalkOptions<TfTensor>['kernels']): WalkOptions<TfTensor>['kernels'] {
  const entries = Object.entries(kernels).map(([op, kernel]) => [
    op,
    (inputs: readonly TfTensor[], call: never) => tf.tidy(() => (kernel as Kernel<TfTensor, never>)(inputs, call)),
  ]);
  return Object.fromEntries(entries) as WalkOptions<TfTensor>['kernels'];
}
