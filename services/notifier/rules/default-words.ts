import type { Words } from '../templates/words.ts';

/**
 * What a rule says that brings no words: `{{summary}}` over `{{noun}} {{id}}, status {{status}}`. Known to every fact.
 */
export const defaultWords: Words = {
  title: { pieces: [{ kind: 'variable', name: 'summary' }], variables: ['summary'] },
  text: {
    pieces: [
      { kind: 'variable', name: 'noun' },
      { kind: 'text', text: ' ' },
      { kind: 'variable', name: 'id' },
      { kind: 'text', text: ', status ' },
      { kind: 'variable', name: 'status' },
    ],
    variables: ['noun', 'id', 'status'],
  },
};
