import type { Reader } from './reader.ts';

/** Readers that are loaded together. */
interface Group {
  readonly names: readonly string[];
  /** Whether they open files, which takes so long that a usual run has fewer of them. */
  readonly readsDisk: boolean;
  load(): Promise<{ readonly default: readonly Reader[] }>;
}

const groups: readonly Group[] = [
  {
    names: ['safetensors', 'safetensors-buffer'],
    readsDisk: false,
    load: () => import('./safetensors.ts'),
  },
  {
    names: ['model', 'head', 'attention', 'checkpoint', 'quantizer', 'autoencoder', 'hierarchy', 'hierarchy-shard'],
    readsDisk: false,
    load: () => import('./models.ts'),
  },
  { names: ['onnx'], readsDisk: false, load: () => import('./onnx.ts') },
  { names: ['codes'], readsDisk: true, load: () => import('./codes.ts') },
  {
    names: [
      'npy',
      'npy-array',
      'csv',
      'csv-gz',
      'tsv',
      'jsonl',
      'parquet',
      'labels',
      'text-jsonl',
      'text-tsv',
      'text-txt',
    ],
    readsDisk: true,
    load: () => import('./tables.ts'),
  },
  { names: ['config.json', 'token-shards', 'finished-rows'], readsDisk: true, load: () => import('./folders.ts') },
  { names: ['tokenizer.json', 'encoder-config'], readsDisk: true, load: () => import('./tokenizer.ts') },
];

/** Names of the readers of files that may come from a stranger: of all, or of those that open files, or not. */
export const readerNames = (readsDisk?: boolean): string[] =>
  groups.filter((group) => readsDisk === undefined || group.readsDisk === readsDisk).flatMap(({ names }) => names);

/** Loads a reader, and little else: what all of them need takes most of a second. @param name of {@link readerNames} */
export async function loadReader(name: string): Promise<Reader> {
  const { default: readers } = await groups.find(({ names }) => names.includes(name))!.load();
  return readers.find((reader) => reader.name === name)!;
}
