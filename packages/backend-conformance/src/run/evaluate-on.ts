import {
  allocate,
  formatType,
  resultTypes,
  sameType,
  type Backend,
  type ConcreteType,
  type DeviceBuffer,
  type Executable,
  type TypedArray,
} from '@ddcl/core/backend';
import { bindProgram } from '../compare/bind-program.ts';
import { coordinatesOf } from '../compare/compare.ts';
import type { Value } from '../oracle/tensor.ts';
import { describeCall } from './describe-call.ts';
import { fail } from './failure.ts';

/** Uploads, runs, downloads and frees; see {@link CaseContext.evaluate}. */
export async function evaluateOn(
  backend: Backend,
  executable: Executable,
  inputs: readonly Value[],
): Promise<TypedArray[]> {
  const { program } = executable;
  const before = backend.memory();
  const buffers: DeviceBuffer[] = [];
  let results: readonly DeviceBuffer[] = [];
  let numbers: TypedArray[];
  try {
    for (const { type, data } of inputs) buffers.push(backend.upload(type, data));
    results = await executable.run(buffers);
    const types = requireTypes(executable, inputs, results);
    // All at once: on a device that is one trip.
    const all = await Promise.all([...results, ...buffers].map((buffer) => backend.download(buffer)));
    types.forEach((type, index) => requireClass(`result ${index}`, type, all[index]!));
    inputs.forEach((input, index) => requireUnchanged(index, input, all[results.length + index]!));
    numbers = all.slice(0, results.length);
  } catch (error) {
    if (error instanceof Error) error.message = `${describeCall(program, inputs)}: ${error.message}`;
    throw error;
  } finally {
    for (const buffer of [...buffers, ...results]) backend.free(buffer);
  }
  const after = backend.memory();
  if (after.buffers !== before.buffers || after.bytes !== before.bytes) {
    fail(
      `${describeCall(program, inputs)}: with inputs and results freed, the backend holds ${after.buffers} buffers of ${after.bytes} bytes; before it were ${before.buffers} of ${before.bytes}`,
    );
  }
  return numbers;
}

function requireTypes(
  { program }: Executable,
  inputs: readonly Value[],
  results: readonly DeviceBuffer[],
): ConcreteType[] {
  const bound = bindProgram(
    program,
    inputs.map(({ type }) => type),
  );
  const types = resultTypes(bound) as ConcreteType[];
  if (results.length !== types.length) fail(`${types.length} results expected, ${results.length} came`);
  types.forEach((type, index) => {
    const { type: got } = results[index]!;
    if (!sameType(type, got)) fail(`result ${index} has the type ${formatType(got)} instead of ${formatType(type)}`);
  });
  return types;
}

const classOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/** Fails unless a download is the array class of its dtype. */
export function requireClass(what: string, type: ConcreteType, data: TypedArray): void {
  const expected = classOf(allocate(type.dtype, 0));
  if (classOf(data) !== expected)
    fail(`${what} ${formatType(type)} was downloaded as ${classOf(data)} instead of ${expected}`);
}

/** A run never writes into its inputs. */
function requireUnchanged(index: number, { type, data }: Value, after: TypedArray): void {
  for (let at = 0; at < data.length; at++) {
    if (Object.is(after[at], data[at]) || after[at] === data[at]) continue;
    fail(
      `the run changed its input ${index} ${formatType(type)} ${coordinatesOf(at, type.shape)}: expected ${data[at]} as before, got ${after[at]}`,
    );
  }
}
