/** 500 items from a linear congruential generator (C library's rand), so that Python can make the same ones. */
function generated(): { assignments: number[]; labels: number[] } {
  let state = 12345n;
  const draw = (): number => {
    state = (1103515245n * state + 12345n) % 2n ** 31n;
    return Number(state >> 16n);
  };
  const assignments: number[] = [];
  const labels: number[] = [];
  for (let i = 0; i < 500; i += 1) {
    const cluster = draw() % 7;
    const noise = draw() % 10;
    assignments.push(cluster);
    labels.push(noise < 6 ? cluster % 5 : noise % 5);
  }
  return { assignments, labels };
}

/**
 * Two labellings with the values of scikit-learn 1.9.1 (numpy 2.4.6): `normalized_mutual_info_score`,
 * `adjusted_rand_score`, `mutual_info_score`, and ACC by scipy 1.17.1's `linear_sum_assignment(maximize=True)`
 * on `contingency_matrix`.
 */
export const cases: readonly {
  readonly name: string;
  readonly assignments: readonly number[];
  readonly labels: readonly number[];
  readonly nmi: number;
  readonly ari: number;
  readonly mi: number;
  readonly acc: number;
}[] = [
  {
    name: 'partial',
    assignments: [0, 0, 1, 1, 2, 2, 2, 3],
    labels: [0, 0, 0, 1, 1, 1, 2, 2],
    nmi: 0.5577965290899926,
    ari: 0.15789473684210525,
    mi: 0.670215921788226,
    acc: 0.625,
  },
  {
    name: 'unequal',
    assignments: [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3],
    labels: [1, 1, 1, 1, 2, 1, 2, 2, 2, 2, 3, 1, 3, 3, 3, 2, 2],
    nmi: 0.3783499278720408,
    ari: 0.2669404517453799,
    mi: 0.41021862274045356,
    acc: 0.7058823529411765,
  },
  { name: 'independent', assignments: [0, 0, 1, 1], labels: [0, 1, 0, 1], nmi: 0, ari: -0.5, mi: 0, acc: 0.5 },
  {
    name: 'identical',
    assignments: [0, 1, 2, 2],
    labels: [5, 3, 9, 9],
    nmi: 1,
    ari: 1,
    mi: 1.0397207708399179,
    acc: 1,
  },
  { name: 'one cluster', assignments: [0, 0, 0, 0], labels: [0, 0, 1, 1], nmi: 0, ari: 0, mi: 0, acc: 0.5 },
  { name: 'one cluster, one class', assignments: [0, 0, 0], labels: [4, 4, 4], nmi: 1, ari: 1, mi: 0, acc: 1 },
  { name: 'all split', assignments: [0, 1, 2, 3], labels: [0, 0, 0, 0], nmi: 0, ari: 0, mi: 0, acc: 0.25 },
  {
    name: 'all singletons',
    assignments: [0, 1, 2, 3],
    labels: [3, 2, 1, 0],
    nmi: 1,
    ari: 1,
    mi: 1.3862943611198906,
    acc: 1,
  },
  {
    name: 'more clusters than classes',
    assignments: [0, 1, 2, 3, 4, 5, 0, 1],
    labels: [0, 0, 0, 1, 1, 1, 1, 0],
    nmi: 0.4285714285714285,
    ari: 0.023255813953488372,
    mi: 0.5198603854199588,
    acc: 0.375,
  },
  {
    name: '500 generated items',
    ...generated(),
    nmi: 0.3093556883231995,
    ari: 0.25358643193487884,
    mi: 0.5464083787695249,
    acc: 0.486,
  },
];
