import { DdclError, type Backend, type DeviceBuffer } from '@ddcl/core/backend';

/** What an underlying library would call its tensor: here the buffer that owns it. */
interface Native {
  readonly owner: DeviceBuffer;
}

/** Gives a backend `wrap` and `unwrap`: borrowed buffers stand for the owner's. */
export function wrapping(backend: Backend, { destroys = false } = {}): Backend {
  const owners = new Map<DeviceBuffer, DeviceBuffer>();
  const ended = new WeakSet<DeviceBuffer>();
  const ownerOf = (buffer: DeviceBuffer): DeviceBuffer => {
    if (ended.has(buffer)) throw new DdclError('disposed', 'a borrowed buffer was used after its end');
    return owners.get(buffer) ?? buffer;
  };
  const alive = new Set<DeviceBuffer>();
  const track = (buffer: DeviceBuffer): DeviceBuffer => {
    alive.add(buffer);
    return buffer;
  };
  return {
    ...backend,
    upload: (type, data) => track(backend.upload(type, data)),
    download: async (buffer) => backend.download(ownerOf(buffer)),
    free(buffer) {
      if (ended.has(buffer)) return;
      const owner = owners.get(buffer);
      owners.delete(buffer);
      if (owner === undefined || destroys) backend.free(owner ?? buffer);
      if (owner !== undefined || alive.delete(buffer)) ended.add(buffer);
    },
    async compile(program) {
      const executable = await backend.compile(program);
      return {
        ...executable,
        async run(inputs, { donate = [] } = {}) {
          const owned = donate.filter((position) => inputs[position] === undefined || !owners.has(inputs[position]));
          const results = executable.run(inputs.map(ownerOf), { donate: owned });
          // Borrowed ones are forgotten, whatever comes of the run.
          for (const position of donate) {
            const buffer = inputs[position];
            if (buffer !== undefined && owners.delete(buffer)) ended.add(buffer);
          }
          return (await results).map(track);
        },
      };
    },
    memory() {
      const bytes = [...owners.keys()].reduce(
        (total, { type }) => total + 4 * type.shape.reduce((a, b) => a * b, 1),
        0,
      );
      const inner = backend.memory();
      return { buffers: inner.buffers + owners.size, bytes: inner.bytes + bytes };
    },
    wrap(native, type) {
      const buffer: DeviceBuffer = { type };
      owners.set(buffer, (native as Native).owner);
      return buffer;
    },
    unwrap(buffer) {
      const owner = ownerOf(buffer);
      if (!alive.has(owner)) throw new DdclError('argument', 'the buffer is of another backend');
      return { owner };
    },
  };
}
