/**
 * Words for the controls of bull-board that show a picture and nothing else. Who cannot see it
 * hears "button"; the page's own script gives them these, by the name of the picture.
 */
const WORDS: Readonly<Record<string, string>> = {
  'arrow-up': 'Sort upwards',
  'arrow-down': 'Sort downwards',
  'arrow-up-down': 'Sort',
  'chevron-left': 'Previous page',
  'chevron-right': 'Next page',
  'chevron-down': 'Open',
  'chevron-up': 'Close',
  copy: 'Copy',
  'corner-up-left': 'Back',
  ellipsis: 'Actions',
  'ellipsis-vertical': 'Actions',
  'external-link': 'Open elsewhere',
  files: 'Copy',
  maximize: 'Full screen',
  'maximize-2': 'Larger',
  maximize2: 'Larger',
  'minimize-2': 'Smaller',
  minimize2: 'Smaller',
  'panel-left': 'Side bar',
  pause: 'Stop',
  pencil: 'Edit',
  play: 'Start',
  plus: 'Add',
  'refresh-cw': 'Try again',
  settings: 'Settings',
  'trash-2': 'Remove',
  trash2: 'Remove',
  x: 'Close',
};

export const NAMES_FILE = 'names.js';

/**
 * The page's own script: it names what has no name, now and whenever the page changes. A picture
 * that has no words here is called by its own name, so that nothing is left without.
 */
export const NAMES_SCRIPT = `(() => {
  const words = ${JSON.stringify(WORDS)};
  const controls = 'a[href],button,input:not([type=hidden]),select,textarea,[role=button],[role=checkbox],' +
    '[role=combobox],[role=link],[role=menuitem],[role=radio],[role=slider],[role=switch],[role=tab],[role=textbox]';
  const isNamed = (one) =>
    ['aria-label', 'aria-labelledby', 'title', 'alt'].some((name) => (one.getAttribute(name) ?? '').trim() !== '') ||
    (one.labels?.length ?? 0) > 0 ||
    (!/^(INPUT|SELECT|TEXTAREA)$/.test(one.tagName) && one.textContent.trim() !== '');
  const wordsOf = (one) => {
    const placeholder = one.getAttribute('placeholder');
    if (placeholder) return placeholder;
    const picture = one.querySelector('svg[class*=lucide-]');
    const [, name] = /(?:^| )lucide-([a-z0-9-]+)/.exec(picture?.getAttribute('class') ?? '') ?? [];
    return name === undefined ? undefined : (words[name] ?? name.replaceAll('-', ' '));
  };
  const nameAll = () => {
    for (const one of document.querySelectorAll(controls)) {
      const found = isNamed(one) ? undefined : wordsOf(one);
      if (found !== undefined) one.setAttribute('aria-label', found);
    }
  };
  new MutationObserver(nameAll).observe(document.documentElement, { childList: true, subtree: true });
  nameAll();
})();
`;

/** The page with that script in it. */
export const withNames = (page: string, basePath: string): string =>
  page.replace('</body>', `<script defer src="${basePath}/${NAMES_FILE}"></script></body>`);
