import { createRandom, f32, trace, type ConcreteType, type Random, type Tensor, type TypedArray } from '@ddcl/core';
import type { Backend, DeviceBuffer } from '@ddcl/core/backend';
import { requireBackend, requireNumber, requireOptions, requireWhole } from '../checks/require.ts';
import { latentRows, type Latents } from '../apply/latents.ts';
import { buildQuantizer } from '../part/build.ts';
import { drawInputs, quantizerControls, type QuantizerSchedule } from '../part/controls.ts';
import { controlNames, inputTypes } from '../part/names.ts';
import { requireState, type QuantizerState } from '../state/state.ts';
import { stateTensors } from '../state/tensors.ts';

export interface UpdateOptions extends QuantizerSchedule {
  /** 0..1, for temperatures. Default 1: those of the schedule's end. */
  readonly progress?: number;
  /** Of draws and of the tokens that dead codes move to; give another one each time. Default 0. */
  readonly seed?: number;
}

/**
 * The state after a batch, as training has it: running averages (for `ema`, `rotation` and `cosine` they are the codes), codes that are not used move
 * to tokens, T_c is tracked, T set. What only gradients move stays: train it with `fitQuantizer`, or as a part of a program of yours.
 * Quantize first and update afterwards, so that decoded codes are those that were chosen.
 *
 * @throws DdclError `shape` or `data` for latents, weights or a state that do not fit; whatever the backend throws
 */
export async function update(
  backend: Backend,
  state: QuantizerState,
  latents: Latents,
  options: UpdateOptions = {},
): Promise<QuantizerState> {
  requireBackend(backend);
  requireOptions(options);
  const { progress = 1, seed = 0, ...schedule } = options;
  requireNumber('progress', progress, (value) => value >= 0 && value <= 1, 'a number in 0..1');
  requireWhole('seed', seed, 0);
  const spec = requireState(state);
  const { rows, weights, count } = latentRows(latents, spec.dimension);
  const updater = await createUpdater(backend, state, count);
  try {
    const random = createRandom(seed);
    const controls = quantizerControls(spec, schedule, progress, random);
    return await updater.update(state, { rows, weights }, controls, random);
  } finally {
    updater.dispose();
  }
}

/** Updates with batches of one size, compiled once. */
export interface Updater {
  update(
    state: QuantizerState,
    batch: { readonly rows: Float32Array; readonly weights: Float32Array },
    controls: Readonly<Record<string, number>>,
    random: Random,
  ): Promise<QuantizerState>;
  dispose(): void;
}

export async function createUpdater(backend: Backend, state: QuantizerState, count: number): Promise<Updater> {
  const spec = requireState(state);
  const own = stateTensors(spec);
  const inputs = Object.entries(inputTypes(spec, count, 'float32'));
  const controlled = controlNames(spec);
  let names: string[] = [];
  const types = [
    f32(count, spec.dimension),
    f32(count),
    ...own.map(({ shape }) => f32(...shape)),
    ...inputs.map(([, type]) => type),
    ...controlled.map(() => f32()),
  ] as ConcreteType[];
  const program = trace(
    types,
    (z, a, ...others) => {
      const take = (from: number, taken: readonly string[]): Record<string, Tensor> =>
        Object.fromEntries(taken.map((name, index) => [name, others[from + index] as Tensor]));
      const built = buildQuantizer(spec, {
        z: z!,
        weights: a!,
        tensors: take(
          0,
          own.map(({ name }) => name),
        ),
        inputs: take(
          own.length,
          inputs.map(([name]) => name),
        ),
        controls: take(own.length + inputs.length, controlled),
      });
      const replaced = Object.entries(built.replaced).flatMap(([name, each]) => [
        [`rows of ${name}`, each.rows] as const,
        [name, each.values] as const,
      ]);
      const results = [...Object.entries(built.next), ...replaced];
      names = results.map(([name]) => name);
      return results.map(([, value]) => value);
    },
    'update',
  );
  const executable = await backend.compile(program);
  return {
    async update(before, { rows, weights }, controls, random) {
      const drawn = drawInputs(spec, count, random, weights);
      const data: TypedArray[] = [
        rows,
        weights,
        ...own.map(({ name }) => before.tensors[name]!),
        ...inputs.map(([name]) => drawn[name]!.data),
        ...controlled.map((name) => Float32Array.of(controls[name]!)),
      ];
      const held: DeviceBuffer[] = [];
      try {
        data.forEach((values, index) => held.push(backend.upload(types[index]!, values)));
        const results = await executable.run(held);
        held.push(...results);
        const values = await Promise.all(results.map((result) => backend.download(result)));
        return { spec: before.spec, tensors: moved(before.tensors, names, values) };
      } finally {
        for (const buffer of held) backend.free(buffer);
      }
    },
    dispose: () => executable.dispose(),
  };
}

/** Tensors with what a program gave: new values, and rows of values where it says so. */
function moved(
  tensors: QuantizerState['tensors'],
  names: readonly string[],
  values: readonly TypedArray[],
): Record<string, Float32Array> {
  const made: Record<string, Float32Array> = { ...tensors };
  names.forEach((name, index) => {
    if (name.startsWith('rows of ')) return;
    const rows = names[index - 1] === `rows of ${name}` ? values[index - 1]! : undefined;
    const found = Float32Array.from(values[index]!);
    if (rows === undefined) made[name] = found;
    else {
      const width = found.length / rows.length;
      made[name] = tensors[name]!.map((value, at) => (rows[Math.floor(at / width)] === 1 ? found[at]! : value));
    }
  });
  return made;
}
