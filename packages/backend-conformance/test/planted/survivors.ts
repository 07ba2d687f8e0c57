/** Faults that no case finds, by kind and name, each with the reason. */
export const survivors: Readonly<Record<string, string>> = {
  'wrong beyond 65,535: ids of segments have 16 bits':
    'A sum into 70,000 segments takes two minutes where a software rasteriser stands in for a card.',
  'wrong beyond 65,535: a pass over tokens sees 65,536 of them':
    'A pass over 70,000 tokens takes about a minute where a software rasteriser stands in for a card.',
};
