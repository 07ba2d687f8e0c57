import { trace, sum } from '@ddcl/core';
import { tensorType, type ConcreteType, type DeviceBuffer } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import type { CaseContext } from '../../run/context.ts';
import { require } from '../../run/failure.ts';
import { doubled, lengths, requireMemory, upload } from './small-programs.ts';

/** Enough that one leak per run cannot hide. */
const runs = 1000;

/** What the backend and its library hold, after everything has settled. */
function snapshot({ backend, options }: CaseContext): { buffers: number; bytes: number; native: number } {
  return { ...backend.memory(), native: options.nativeTensors?.(backend) ?? 0 };
}

function requireNative(what: string, context: CaseContext, before: { readonly native: number }): void {
  const { native } = snapshot(context);
  require(native <= before.native, `${what}: ${native - before.native} native tensors more than before`);
}

/** Nothing stays behind. */
export function memoryCases(): ConformanceCase[] {
  return [
    conformanceCase('memory', `${runs} runs leave nothing behind`, async (context) => {
      const { backend } = context;
      const executable = await backend.compile(lengths);
      const [x, y] = [upload(backend, 1, 2, 3), upload(backend, 4, 5, 6)];
      const once = async (): Promise<void> => {
        for (const result of await executable.run([x, y])) backend.free(result);
      };
      await once();
      const before = snapshot(context);
      for (let run = 0; run < runs; run++) await once();
      requireMemory(`after ${runs} runs`, backend, before);
      requireNative(`after ${runs} runs`, context, before);
      backend.free(x);
      backend.free(y);
      executable.dispose();
    }),
    conformanceCase('memory', 'runs at many lengths leave nothing behind', async (context) => {
      const { backend } = context;
      const executable = await backend.compile(lengths);
      const once = async (length: number): Promise<void> => {
        const type = tensorType('float32', [length]) as ConcreteType;
        const x = backend.upload(type, new Float32Array(length).fill(0.5));
        for (const buffer of [...(await executable.run([x, x])), x]) backend.free(buffer);
      };
      await once(1);
      const before = snapshot(context);
      for (let length = 0; length < 60; length++) await once(length);
      requireMemory('after 60 lengths', backend, before);
      executable.dispose();
    }),
    conformanceCase('memory', 'results count until they are freed', async ({ backend }) => {
      const executable = await backend.compile(doubled);
      const before = backend.memory();
      const x = upload(backend, 1, 2, 3);
      const held: DeviceBuffer[] = [x];
      for (let run = 0; run < 20; run++) held.push(...(await executable.run([x])));
      requireMemory('with 20 results', backend, { buffers: before.buffers + 21, bytes: before.bytes + 21 * 12 });
      for (const buffer of held) backend.free(buffer);
      requireMemory('with all freed', backend, before);
      executable.dispose();
    }),
    conformanceCase('memory', 'compiling and disposing leaves nothing behind', async (context) => {
      const { backend } = context;
      const once = async (size: number): Promise<void> => {
        const type = tensorType('float32', [size]) as ConcreteType;
        const executable = await backend.compile(trace([type], (x) => [sum(x)], 'sum'));
        const x = backend.upload(type, new Float32Array(size));
        for (const buffer of [...(await executable.run([x])), x]) backend.free(buffer);
        executable.dispose();
      };
      await once(1);
      const before = snapshot(context);
      for (let size = 1; size <= 20; size++) await once(size);
      requireMemory('after 20 programs', backend, before);
      requireNative('after 20 programs', context, before);
    }),
    conformanceCase('memory', 'empty tensors have no bytes', async ({ backend }) => {
      const before = backend.memory();
      const empty = upload(backend);
      requireMemory('with an empty buffer', backend, { buffers: before.buffers + 1, bytes: before.bytes });
      backend.free(empty);
      requireMemory('after its free', backend, before);
    }),
  ];
}
