import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDdclError } from '../../src/errors/ddcl-error.ts';
import { parseSafetensorsHeader, safetensorsHeaderLength } from '../../src/safetensors/header.ts';
import { readSafetensors, viewSafetensor } from '../../src/safetensors/read-safetensors.ts';
import { safetensorsToFloat32, type SafetensorsTensor } from '../../src/safetensors/tensor.ts';
import { writeSafetensors } from '../../src/safetensors/write-safetensors.ts';
import { codeOf } from '../support/thrown.ts';

/**
 * Made by Python's safetensors 0.8.0 (numpy 2.4.6): safetensors.numpy.save({'bias': f32 [1.5, -2], 'a.i64': i64 [[1],
 * [-2**40]], 'half': f16 [1, 0.333251953125, -65504], 'u8': u8 [1, 2, 255], 'scalar': f64 2.5, 'empty': i32 zeros(0, 3),
 * 'ids': i32 [7, -7], 'bool': [True, False], 'ü"\n': f32 [3]}, metadata={'format': 'ddcl'}).
 */
const fromPython = Uint8Array.from(
  atob(
    'OAIAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJkZGNsIn0sImEuaTY0Ijp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOlsyLDFdLCJkYXRh' +
      'X29mZnNldHMiOlswLDE2XX0sInNjYWxhciI6eyJkdHlwZSI6IkY2NCIsInNoYXBlIjpbXSwiZGF0YV9vZmZzZXRzIjpbMTYsMjRdfSwiYmlhcyI6' +
      'eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzI0LDMyXX0sIsO8XCJcbiI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpb' +
      'MV0sImRhdGFfb2Zmc2V0cyI6WzMyLDM2XX0sImVtcHR5Ijp7ImR0eXBlIjoiSTMyIiwic2hhcGUiOlswLDNdLCJkYXRhX29mZnNldHMiOlszNiwz' +
      'Nl19LCJpZHMiOnsiZHR5cGUiOiJJMzIiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOlszNiw0NF19LCJoYWxmIjp7ImR0eXBlIjoiRjE2Iiwi' +
      'c2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbNDQsNTBdfSwidTgiOnsiZHR5cGUiOiJVOCIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzUw' +
      'LDUzXX0sImJvb2wiOnsiZHR5cGUiOiJCT09MIiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbNTMsNTVdfX0gICAgICAgAQAAAAAAAAAAAAAA' +
      'AP///wAAAAAAAARAAADAPwAAAMAAAEBABwAAAPn///8APFU1//sBAv8BAA==',
  ),
  (character) => character.charCodeAt(0),
);

const expected = new Map<string, SafetensorsTensor>([
  ['u8', { dtype: 'U8', shape: [3], data: new Uint8Array([1, 2, 255]) }],
  ['bias', { dtype: 'F32', shape: [2], data: new Float32Array([1.5, -2]) }],
  ['a.i64', { dtype: 'I64', shape: [2, 1], data: new BigInt64Array([1n, -(2n ** 40n)]) }],
  ['half', { dtype: 'F16', shape: [3], data: new Uint16Array([0x3c00, 0x3555, 0xfbff]) }],
  ['scalar', { dtype: 'F64', shape: [], data: new Float64Array([2.5]) }],
  ['empty', { dtype: 'I32', shape: [0, 3], data: new Int32Array(0) }],
  ['ids', { dtype: 'I32', shape: [2], data: new Int32Array([7, -7]) }],
  ['bool', { dtype: 'BOOL', shape: [2], data: new Uint8Array([1, 0]) }],
  ['ü"\n', { dtype: 'F32', shape: [1], data: new Float32Array([3]) }],
]);

/** A file from a header text and a number of data bytes, padded as text asks. */
function fileOf(header: string, dataLength: number, claimed?: bigint): Uint8Array {
  const json = Buffer.from(header, 'utf8');
  const file = new Uint8Array(8 + json.length + dataLength);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

function tensor(dtype: string, shape: unknown, offsets: unknown, more: object = {}): object {
  return { dtype, shape, data_offsets: offsets, ...more };
}

describe('the reference implementation', () => {
  it('writes what is read here', () => {
    const { tensors, metadata } = readSafetensors(fromPython);
    expect(metadata).toEqual({ format: 'ddcl' });
    expect(new Map([...tensors].sort())).toEqual(new Map([...expected].sort()));
    expect([...tensors.keys()]).toEqual(['a.i64', 'scalar', 'bias', 'ü"\n', 'empty', 'ids', 'half', 'u8', 'bool']);
    expect(safetensorsToFloat32(tensors.get('half')!)).toEqual(new Float32Array([1, 0.333251953125, -65504]));
  });

  it('writes the same bytes', () => {
    expect(writeSafetensors(expected, { format: 'ddcl' })).toEqual(fromPython);
  });
});

describe('readSafetensors', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('reads from a buffer that is shifted by %i bytes', (shift) => {
    const room = new Uint8Array(fromPython.length + 20).fill(0xee);
    room.set(fromPython, shift);
    const { tensors } = readSafetensors(room.subarray(shift, shift + fromPython.length));
    expect(new Map([...tensors].sort())).toEqual(new Map([...expected].sort()));
  });

  it('reads a header of odd length, and an ArrayBuffer', () => {
    const file = fileOf('{"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}  ', 8);
    for (const spaces of ['', ' ', '   ']) {
      const odd = fileOf(`{"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}${spaces}`, 8);
      odd.set([0, 0, 0, 0, 0, 0, 0xf0, 0x3f], odd.length - 8);
      expect(readSafetensors(odd.buffer as ArrayBuffer).tensors.get('x')!.data).toEqual(new Float64Array([1]));
    }
    expect(readSafetensors(file).metadata).toEqual({});
  });

  it('reads bytes at any place in memory, also where `slice` makes no copy, as of a Node Buffer', () => {
    class Pooled extends Uint8Array {
      override slice(start?: number, end?: number): Pooled {
        return this.subarray(start, end) as Pooled;
      }
    }
    for (let shift = 0; shift < 8; shift++) {
      const memory = new Pooled(new ArrayBuffer(fromPython.length + shift));
      memory.set(fromPython, shift);
      const { tensors } = readSafetensors(memory.subarray(shift));
      for (const [name, { data }] of expected)
        expect(Array.from(tensors.get(name)!.data as Uint8Array)).toEqual(Array.from(data as Uint8Array));
    }
  });

  it('views aligned data and copies nothing', () => {
    const file = writeSafetensors(new Map([['x', { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) }]]));
    const { data } = readSafetensors(file).tensors.get('x')!;
    file.fill(0, file.length - 8);
    expect(data).toEqual(new Float32Array(2));
  });

  it('reads what a stream reads', () => {
    const { entries, metadata } = parseSafetensorsHeader(
      fromPython.slice(8, 8 + safetensorsHeaderLength(fromPython.slice(0, 8), fromPython.length)),
      fromPython.length,
    );
    expect(metadata).toEqual({ format: 'ddcl' });
    for (const [name, entry] of entries) {
      expect(viewSafetensor(fromPython.slice(entry.begin, entry.end), entry)).toEqual(expected.get(name)!.data);
    }
    expect(entries.get('a.i64')).toEqual({ dtype: 'I64', shape: [2, 1], begin: 576, end: 592 });
  });

  it('keeps names that objects have of themselves', () => {
    const header = '{"constructor":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"__metadata__":{"toString":"x"}}';
    const { tensors, metadata } = readSafetensors(fileOf(header, 1));
    expect([...tensors.keys()]).toEqual(['constructor']);
    expect(Object.entries(metadata)).toEqual([['toString', 'x']]);
    expect(readSafetensors(fileOf('{}', 0)).tensors.get('constructor')).toBe(undefined);
  });

  const good = tensor('F32', [1], [0, 4]);
  it.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(0), /8 bytes/],
    ['seven bytes', new Uint8Array(7), /8 bytes/],
    ['a header longer than the file', fileOf('{}', 0, 3n), /claims 3 bytes, but only 2/],
    ['a header over 16 MiB', fileOf('{}', 0, 16_777_217n), /claims 16777217 bytes; at most/],
    ['the largest length', fileOf('{}', 0, 2n ** 64n - 1n), /claims/],
    ['an empty header', fileOf('', 0), /start with/],
    ['a leading space', fileOf(' {}', 0), /start with/],
    ['an array', fileOf('[]', 0), /start with/],
    ['a byte order mark', fileOf('\ufeff{}', 0), /start with/],
    ['broken JSON', fileOf('{"a":}', 0), /not JSON/],
    ['a NUL after the JSON', fileOf('{}\0', 0), /not JSON/],
    ['a second value', fileOf('{} {}', 0), /not JSON/],
    ['bytes that are not UTF-8', fileOf('{"\u00ff":1}', 0).map((b) => (b === 0xc3 ? 0xff : b)), /not UTF-8/],
    ['half a surrogate pair', fileOf('{"__metadata__":{"a":"\\ud800"}}', 0), /Unicode/],
    ['a name twice', fileOf(`{"a":${JSON.stringify(good)},"a":${JSON.stringify(good)}}`, 4), /"a" twice/],
    [
      'a name twice, once escaped',
      fileOf(`{"a":${JSON.stringify(good)},"\\u0061":${JSON.stringify(good)}}`, 4),
      /"a" twice/,
    ],
    ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}', 0), /twice/],
    ['a metadata key twice', fileOf('{"__metadata__":{"a":"1","b":"2","a":"1"}}', 0), /"a" twice/],
    [
      'a dtype twice',
      fileOf('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      /"dtype" twice/,
    ],
    [
      'a twin after an array',
      fileOf('{"a":{"shape":[1],"data_offsets":[0,4],"dtype":"F32","shape":[1]}}', 4),
      /"shape" twice/,
    ],
    ['__proto__ as a name', fileOf(`{"__proto__":${JSON.stringify(good)}}`, 4), /__proto__/],
    ['__proto__ in metadata', fileOf('{"__metadata__":{"__proto__":"x"}}', 0), /__proto__/],
    [
      '__proto__ in an entry',
      fileOf('{"a":{"__proto__":{"dtype":"F32"},"shape":[1],"data_offsets":[0,4]}}', 4),
      /__proto__/,
    ],
    ['an unknown dtype', fileOf(JSON.stringify({ a: tensor('F31', [1], [0, 4]) }), 4), /unknown dtype "F31"/],
    ['a dtype of objects', fileOf(JSON.stringify({ a: tensor('toString', [1], [0, 4]) }), 4), /unknown dtype/],
    ['no dtype', fileOf('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4), /unknown dtype/],
    [
      'another key',
      fileOf(JSON.stringify({ a: tensor('F32', [1], [0, 4], { strides: [1] }) }), 4),
      /unknown key "strides"/,
    ],
    ['an entry that is an array', fileOf('{"a":[]}', 0), /object/],
    ['an entry that is null', fileOf('{"a":null}', 0), /object/],
    ['a negative size', fileOf(JSON.stringify({ a: tensor('F32', [-1], [0, 4]) }), 4), /non-negative/],
    ['a fraction', fileOf(JSON.stringify({ a: tensor('F32', [0.5], [0, 2]) }), 2), /non-negative integers/],
    [
      'a size with an exponent',
      fileOf('{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', 4),
      /non-negative integers/,
    ],
    ['minus zero', fileOf('{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}', 0), /non-negative integers/],
    ['a size as text', fileOf(JSON.stringify({ a: tensor('F32', ['1'], [0, 4]) }), 4), /shape/],
    ['a shape that is a number', fileOf(JSON.stringify({ a: tensor('F32', 1, [0, 4]) }), 4), /shape/],
    ['an unsafe size', fileOf('{"a":{"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,0]}}', 0), /shape/],
    [
      'a product that overflows',
      fileOf(JSON.stringify({ a: tensor('U8', [2 ** 40, 2 ** 40], [0, 0]) }), 0),
      /whole number/,
    ],
    [
      'an overflow before a zero',
      fileOf(JSON.stringify({ a: tensor('U8', [2 ** 40, 2 ** 40, 0], [0, 0]) }), 0),
      /whole number/,
    ],
    ['half a byte', fileOf(JSON.stringify({ a: tensor('F4', [3], [0, 2]) }), 2), /whole number/],
    ['three offsets', fileOf(JSON.stringify({ a: tensor('F32', [1], [0, 4, 4]) }), 4), /data_offsets/],
    ['no offsets', fileOf('{"a":{"dtype":"F32","shape":[1]}}', 4), /data_offsets/],
    ['too few bytes for the shape', fileOf(JSON.stringify({ a: tensor('F32', [2], [0, 4]) }), 4), /needs 8 bytes/],
    ['offsets the wrong way round', fileOf(JSON.stringify({ a: tensor('F32', [1], [4, 0]) }), 4), /needs 4 bytes/],
    ['data cut short', fileOf(JSON.stringify({ a: good }), 3), /cut short/],
    ['bytes after the data', fileOf(JSON.stringify({ a: good }), 5), /1 bytes after/],
    ['bytes after no tensors', fileOf('{}', 1), /1 bytes after/],
    ['a hole at the start', fileOf(JSON.stringify({ a: tensor('F32', [1], [1, 5]) }), 5), /hole of 1 /],
    [
      'a hole between',
      fileOf(JSON.stringify({ a: good, b: tensor('F32', [1], [8, 12]) }), 12),
      /"b" leaves a hole of 4/,
    ],
    [
      'an overlap',
      fileOf(JSON.stringify({ a: tensor('F32', [2], [0, 8]), b: tensor('F32', [2], [4, 12]) }), 12),
      /"b" overlaps/,
    ],
    ['the same bytes twice', fileOf(JSON.stringify({ a: good, b: good }), 4), /"b" overlaps/],
    [
      'an empty tensor inside another',
      fileOf(JSON.stringify({ a: good, b: tensor('F32', [0], [2, 2]) }), 4),
      /"b" overlaps/,
    ],
    ['metadata that is a text', fileOf('{"__metadata__":"x"}', 0), /__metadata__/],
    ['metadata that is null', fileOf('{"__metadata__":null}', 0), /__metadata__/],
    ['a number in metadata', fileOf('{"__metadata__":{"a":1}}', 0), /metadata "a"/],
    ['objects in metadata', fileOf('{"__metadata__":{"a":{}}}', 0), /metadata "a"/],
    ['very deep nesting', fileOf(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 0), /./],
  ])('refuses %s', (_, file, message) => {
    let caught: unknown;
    try {
      readSafetensors(file);
    } catch (error) {
      caught = error;
    }
    expect(isDdclError(caught, 'format')).toBe(true);
    expect((caught as Error).message).toMatch(message);
  });

  it('is not misled by punctuation inside texts', () => {
    const text = '},{"a":1,"a":-1.5[\\"';
    const header = JSON.stringify({ __metadata__: { a: text, b: text }, 'x,"}': good });
    expect(readSafetensors(fileOf(header, 4)).metadata).toEqual({ a: text, b: text });
  });

  it('takes a long text full of escapes', () => {
    const text = '"\\\n'.repeat(300_000);
    expect(readSafetensors(writeSafetensors(new Map(), { text })).metadata['text']).toBe(text);
  });

  it('throws nothing but format errors for damaged files', () => {
    const headerEnd = 8 + safetensorsHeaderLength(fromPython, fromPython.length);
    const edits = fc.array(
      fc.record({
        at: fc.nat(headerEnd),
        value: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[],:"0123456789\\-.e '))),
      }),
      { minLength: 1, maxLength: 6 },
    );
    let refused = 0;
    fc.assert(
      fc.property(edits, fc.option(fc.nat(fromPython.length)), (changes, cut) => {
        const file = fromPython.slice(0, cut ?? fromPython.length);
        for (const { at, value } of changes) if (at < file.length) file[at] = value;
        try {
          readSafetensors(file);
        } catch (error) {
          refused += 1;
          if (!isDdclError(error, 'format')) throw error;
        }
      }),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(1500);
  });

  it('throws nothing but format errors for JSON of any form', () => {
    const sizes = fc.oneof(fc.array(fc.nat(4), { maxLength: 3 }), fc.jsonValue());
    const entry = fc.oneof(
      fc.record(
        { dtype: fc.constantFrom('F32', 'U8', 'F4', 'X'), shape: sizes, data_offsets: sizes },
        { requiredKeys: [] },
      ),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.string(), fc.constant('__metadata__')), entry),
        fc.nat(20),
        (header, dataLength) => {
          try {
            readSafetensors(fileOf(JSON.stringify(header), dataLength));
          } catch (error) {
            if (!isDdclError(error, 'format')) throw error;
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

const texts = fc.string({ unit: 'binary' }).filter((text) => text !== '__proto__' && text !== '__metadata__');
const sized = fc
  .array(fc.nat(3), { maxLength: 3 })
  .chain((shape) => fc.tuple(fc.constant(shape), fc.uint8Array({ minLength: 8 * 27, maxLength: 8 * 27 })));
const someTensor = fc
  .tuple(fc.constantFrom('F64', 'F32', 'I32', 'I64', 'F16', 'BF16', 'U8', 'BOOL', 'I16', 'C64'), sized)
  .map(([dtype, [shape, bytes]]): SafetensorsTensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    const buffer = Uint8Array.from(bytes).buffer;
    switch (dtype) {
      case 'F64':
        return { dtype, shape, data: new Float64Array(buffer, 0, count) };
      case 'F32':
        return { dtype, shape, data: new Float32Array(buffer, 0, count) };
      case 'I32':
        return { dtype, shape, data: new Int32Array(buffer, 0, count) };
      case 'I64':
        return { dtype, shape, data: new BigInt64Array(buffer, 0, count) };
      case 'F16':
        return { dtype, shape, data: new Uint16Array(buffer, 0, count) };
      case 'BF16':
        return { dtype, shape, data: new Uint16Array(buffer, 0, count) };
      case 'I16':
        return { dtype, shape, data: new Uint8Array(buffer, 0, 2 * count) };
      case 'C64':
        return { dtype, shape, data: new Uint8Array(buffer, 0, 8 * count) };
      default:
        return { dtype: dtype as 'U8', shape, data: new Uint8Array(buffer, 0, count) };
    }
  });

describe('writeSafetensors', () => {
  it('writes what is read back, aligned, in whatever order it comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(texts, someTensor), { maxLength: 6 }),
        fc.dictionary(texts, texts),
        (list, metadata) => {
          const tensors = new Map(list);
          const file = writeSafetensors(tensors, metadata);
          const read = readSafetensors(file);
          const bytesOf = (map: ReadonlyMap<string, SafetensorsTensor>): unknown[] =>
            [...map]
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([name, { dtype, shape, data }]) => [
                name,
                dtype,
                [...shape],
                data.constructor.name,
                Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
              ]);
          expect(bytesOf(read.tensors)).toEqual(bytesOf(tensors));
          expect(read.metadata).toEqual({ ...metadata });
          expect(safetensorsHeaderLength(file, file.length) % 8).toBe(0);
          // Views, so aligned.
          for (const { data } of read.tensors.values()) expect(data.buffer).toBe(file.buffer);
          const reversed = Object.fromEntries(Object.entries(metadata).reverse());
          expect(writeSafetensors(new Map([...tensors].reverse()), reversed)).toEqual(file);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('takes views into larger buffers', () => {
    const data = new Float32Array([0, 1, 2, 3]).subarray(1, 3);
    const read = readSafetensors(writeSafetensors(new Map([['x', { dtype: 'F32', shape: [2], data }]])));
    expect(read.tensors.get('x')!.data).toEqual(new Float32Array([1, 2]));
  });

  const data = new Float32Array(2);
  it.each<[string, string, SafetensorsTensor, Record<string, string>]>([
    ['argument', '__metadata__', { dtype: 'F32', shape: [2], data }, {}],
    ['argument', '__proto__', { dtype: 'F32', shape: [2], data }, {}],
    ['argument', '\ud800', { dtype: 'F32', shape: [2], data }, {}],
    ['argument', 'x', { dtype: 'F32', shape: [2], data }, { a: 1 as unknown as string }],
    ['argument', 'x', { dtype: 'F32', shape: [2], data }, JSON.parse('{"__proto__":"a"}') as Record<string, string>],
    ['shape', 'x', { dtype: 'F32', shape: [3], data }, {}],
    ['shape', 'x', { dtype: 'F32', shape: [-1, -2], data }, {}],
    ['shape', 'x', { dtype: 'F32', shape: [0.5, 4], data }, {}],
    ['dtype', 'x', { dtype: 'F64', shape: [1], data }, {}],
    ['dtype', 'x', { dtype: 'I32', shape: [2], data }, {}],
    ['dtype', 'x', { dtype: 'F31' as 'F32', shape: [2], data }, {}],
    ['dtype', 'x', { dtype: 'F32', shape: [2], data: [1, 2] as unknown as Float32Array }, {}],
  ])('throws %s for the name %j with %o', (code, name, value, metadata) => {
    expect(codeOf(() => writeSafetensors(new Map([[name, value]]), metadata))).toBe(code);
  });
});

describe('safetensorsToFloat32', () => {
  it('reads every half and bfloat16', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const brain = safetensorsToFloat32({ dtype: 'BF16', shape: [65536], data: bits });
    expect([brain[0x3f80], brain[0xc000], brain[0x0001], brain[0x7f80], brain[0x7fc0]]).toEqual([
      1,
      -2,
      2 ** -133,
      Infinity,
      NaN,
    ]);

    const half = safetensorsToFloat32({ dtype: 'F16', shape: [65536], data: bits });
    expect([half[0x3c00], half[0x3555], half[0x7bff], half[0x0001], half[0x03ff], half[0x0400]]).toEqual([
      1,
      0.333251953125,
      65504,
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
    ]);
    expect([half[0x7c00], half[0xfc00], half[0x7c01]]).toEqual([Infinity, -Infinity, NaN]);
    expect(Object.is(half[0x8000], -0)).toBe(true);
    // Positive halves grow with their bits, and negative ones mirror them.
    for (let i = 1; i <= 0x7c00; i += 1) {
      expect(half[i]! > half[i - 1]!).toBe(true);
      expect(half[i + 0x8000]).toBe(-half[i]!);
    }
  });

  it('rounds F64, keeps F32, refuses the rest', () => {
    const data = new Float32Array([1, 2]);
    expect(safetensorsToFloat32({ dtype: 'F32', shape: [2], data })).toBe(data);
    expect(safetensorsToFloat32({ dtype: 'F64', shape: [1], data: new Float64Array([0.1]) })).toEqual(
      new Float32Array([0.1]),
    );
    expect(codeOf(() => safetensorsToFloat32({ dtype: 'I32', shape: [1], data: new Int32Array(1) }))).toBe('dtype');
  });
});
