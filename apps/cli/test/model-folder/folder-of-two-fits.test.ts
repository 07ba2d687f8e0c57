import { expect, it } from 'vitest';
import { clusters, ddcl, npy, succeed, testFolder } from '../commands/support.ts';

const folder = testFolder();

it('a model and a config that say different things of preprocessing are not applied, and inspect prints any value', async () => {
  folder.write('tokens.npy', npy([60, 2], 'float32', clusters(60, 2, 2).flat));
  const out = folder.at('model');
  await succeed(['fit', folder.at('tokens.npy'), '--prototypes', '2', '--normalize', '--epochs', '5', '--out', out]);
  const config = JSON.parse(folder.read('model/config.json').toString()) as {
    preprocessing: { normalize: boolean };
    measures: Record<string, unknown>;
  };
  const encode = ['encode', out, folder.at('tokens.npy'), '--outputs', 'codes', '--out', folder.at('codes.npy')];
  folder.write(
    'model/config.json',
    JSON.stringify({ ...config, preprocessing: { standardize: null, normalize: false } }),
  );
  const { status, stderr } = await ddcl(encode);
  expect([status, stderr]).toEqual([
    2,
    `ddcl: ${out}: model.safetensors and config.json do not say the same of what is done to tokens before the model sees them. Copy the whole folder of one fit, or fit the model again.\n`,
  ]);
  folder.write('model/config.json', JSON.stringify({ ...config, measures: { x: [{ toString: 1, valueOf: 1 }, 2] } }));
  expect(await succeed(['inspect', out])).toContain('{"toString":1,"valueOf":1}, 2');
});
