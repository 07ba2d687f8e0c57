import {
  bindInputs,
  BoundedCache,
  checkProgram,
  DdclError,
  isConcrete,
  isDdclError,
  resultTypes,
  specialise,
  type BufferTable,
  type Capabilities,
  type ConcreteType,
  type DeviceBuffer,
  type Executable,
  type Program,
  type RunOptions,
} from '@ddcl/core/backend';
import type { Tensor } from 'onnxruntime-common';
import type { NativeTensor, Tensors } from './buffers/tensors.ts';
import type { SessionCache, SessionLease } from './session/session-cache.ts';

/** What executables need of their backend. */
export interface ExecutableContext {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly buffers: BufferTable<NativeTensor>;
  readonly tensors: Tensors;
  readonly sessions: SessionCache;
  /** Where runs may not overlap: what ends when the last one has. */
  readonly queue: (<Result>(work: () => Promise<Result>) => Promise<Result>) | undefined;
  requireAlive(use: string): void;
}

/** A session for certain sizes. Sizes other than 0 share one. */
interface Variant {
  readonly lease: SessionLease;
  readonly results: readonly ConcreteType[];
}

/** How many sets of sizes an executable remembers the result types of. */
const rememberedSizes = 256;

/** Makes a program ready: its session, or for a symbolic program the one that serves all sizes. */
export async function createExecutable(context: ExecutableContext, program: Program): Promise<Executable> {
  checkProgram(context.name, context.capabilities, program);
  const shared = await context.sessions.lease(program);
  const variants = new BoundedCache<Promise<Variant>>(rememberedSizes, (variant) => {
    variant.then(({ lease }) => lease !== shared && lease.release()).catch(() => {});
  });
  const concrete = program.parameters.every(isConcrete);
  let disposed = false;
  let running = 0;
  /** Gives the sessions back once they are not wanted and no run is under way on them. */
  const release = (): void => {
    if (!disposed || running > 0) return;
    variants.clear();
    shared.release();
  };

  const makeVariant = async (bindings: Readonly<Record<string, number>>): Promise<Variant> => {
    if (concrete) return { lease: shared, results: resultTypes(program) as ConcreteType[] };
    const bound = specialise(program, bindings);
    checkProgram(context.name, context.capabilities, bound);
    // Core takes instructions on empty tensors out of a program of known sizes; no runtime need know what they mean.
    const empty = Object.values(bindings).includes(0);
    return {
      lease: empty ? await context.sessions.lease(bound) : shared,
      results: resultTypes(bound) as ConcreteType[],
    };
  };
  const variantFor = (inputs: readonly DeviceBuffer[]): Promise<Variant> => {
    const bindings = bindInputs(
      program,
      inputs.map((buffer) => buffer.type),
    );
    const key = concrete ? '' : JSON.stringify(bindings);
    const variant = variants.get(key) ?? makeVariant(bindings);
    variants.set(key, variant);
    return variant;
  };

  const run = async (
    inputs: readonly DeviceBuffer[],
    natives: readonly (NativeTensor | undefined)[],
  ): Promise<DeviceBuffer[]> => {
    const { lease, results } = await variantFor(inputs);
    const made = await runSession(context, lease, natives, results, program.name);
    try {
      context.requireAlive(`run of ${program.name}`);
    } catch (error) {
      // The backend was disposed meanwhile: nobody would free these.
      for (const native of made) if (native !== undefined) context.tensors.end(native);
      throw error;
    }
    return made.map((native, index) => hand(context, results[index]!, native));
  };

  return {
    program,
    async run(inputs: readonly DeviceBuffer[], { donate = [] }: RunOptions = {}) {
      const use = `run of ${program.name}`;
      context.requireAlive(use);
      const wrong = donate.find((position) => inputs[position] === undefined);
      if (wrong !== undefined) {
        throw new DdclError(
          'argument',
          `${program.name} was run with ${inputs.length} inputs, but donates input ${wrong}.`,
        );
      }
      let natives: (NativeTensor | undefined)[] = [];
      running++;
      try {
        if (disposed) throw new DdclError('disposed', `${program.name} was run after its dispose. Compile it again.`);
        natives = inputs.map((buffer) => context.buffers.native(buffer, use));
        for (const native of natives) if (native !== undefined) context.tensors.hold(native);
        return await run(inputs, natives);
      } finally {
        running--;
        release();
        for (const native of natives) if (native !== undefined) context.tensors.drop(native);
        for (const position of donate) {
          const buffer = inputs[position]!;
          if (context.buffers.owns(buffer)) context.buffers.free(buffer);
        }
      }
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      release();
    },
  };
}

function hand(
  { buffers, tensors }: ExecutableContext,
  type: ConcreteType,
  native: NativeTensor | undefined,
): DeviceBuffer {
  return buffers.add(type, native, native && (() => tensors.end(native)));
}

/** Runs a session; returns a tensor per result, undefined for one without elements. */
async function runSession(
  { tensors, queue, requireAlive }: ExecutableContext,
  { model: { session, inputs, outputs, inputPieces, outputPieces } }: SessionLease,
  natives: readonly (NativeTensor | undefined)[],
  results: readonly ConcreteType[],
  name: string,
): Promise<(NativeTensor | undefined)[]> {
  if (session === undefined) return results.map(() => undefined);
  const feeds: Record<string, Tensor> = {};
  inputs.forEach((input, index) => {
    if (input === undefined) return;
    const { tensor } = natives[index]!;
    feeds[input] = tensor;
    for (const piece of inputPieces.get(index)!) feeds[piece.value] = tensors.pieceOf(tensor, piece);
  });
  const made: (NativeTensor | undefined)[] = outputs.map(() => undefined);
  const fetches: Record<string, Tensor | null> = {};
  outputs.forEach((output, index) => {
    if (output === undefined) return;
    if (tensors.writesInto) made[index] = tensors.make(results[index]!);
    const pieces = outputPieces.get(index);
    if (pieces === undefined) fetches[output] = made[index]?.tensor ?? null;
    else for (const piece of pieces) fetches[piece.value] = tensors.pieceOf(made[index]!.tensor, piece);
  });
  try {
    const fetched = await (queue === undefined
      ? session.run(feeds, fetches)
      : queue(() => session.run(feeds, fetches)));
    return outputs.map((output, index) =>
      output === undefined ? undefined : (made[index] ?? tensors.adopt(fetched[output]!)),
    );
  } catch (error) {
    for (const native of made) if (native !== undefined) tensors.end(native);
    // The end of the backend takes its sessions from runs that are under way.
    requireAlive(`run of ${name}`);
    throw asDdclError(error, name);
  }
}

function asDdclError(error: unknown, name: string): DdclError {
  if (isDdclError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DdclError(
    'data',
    `ONNX Runtime failed in a run of ${name}: ${message}. Indices must lie inside their tensor, and memory must suffice.`,
    { cause: error },
  );
}
