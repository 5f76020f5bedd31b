/**
 * Opens pages of the queues as a browser does and prints, as JSON, every control with the name that a screen reader
 * says. Arguments: the port, user and password, and the paths of the pages. After each page is there, what opens is
 * opened, once each. A process of its own: jsdom changes the globals of the one that it runs in.
 */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { packagesIn } from '../kit/packages.ts';

export interface Control {
  readonly page: string;
  /** How it begins, for a person who looks for it. */
  readonly html: string;
  readonly name: string;
}

/** The little of a document that is used here: the types of a browser are not those of this program. */
interface Element {
  readonly outerHTML: string;
  readonly textContent: string;
  readonly click: () => void;
  readonly closest: (selector: string) => Element | null;
  readonly getAttribute: (name: string) => string | null;
  readonly dispatchEvent: (event: object) => boolean;
}
interface Page {
  readonly window: {
    readonly document: { readonly querySelectorAll: (selector: string) => Iterable<Element> };
    readonly close: () => void;
    readonly MouseEvent: new (type: string, init: object) => object;
    [name: string]: unknown;
  };
}

const load = packagesIn(join(import.meta.dirname, 'tools'));
const { JSDOM, VirtualConsole } = load('jsdom') as {
  readonly JSDOM: { readonly fromURL: (url: string, options: object) => Promise<Page> };
  readonly VirtualConsole: new () => object;
};
const { computeAccessibleName } = load('dom-accessibility-api') as {
  readonly computeAccessibleName: (element: Element) => string;
};

const CONTROLS =
  'a[href],button,input:not([type=hidden]),select,textarea,[role=button],[role=checkbox],[role=combobox],' +
  '[role=link],[role=menuitem],[role=radio],[role=slider],[role=switch],[role=tab],[role=textbox]';
/** What opens more of the page. */
const OPENERS = 'button[aria-haspopup],button[aria-expanded=false],ul[class^=actions] button';
/** The page is there when it has not changed for so long, and is given so much, in ms. */
const [QUIET_MS, SETTLED_WITHIN_MS, LOOK_MS] = [300, 20_000, 20];
/** What is opened of one page; each by its name, once. */
const OPENED_MAX = 8;

/** What a browser has and a document without one has not; nothing here is measured or animated. */
const complete = (window: Page['window']): void => {
  class Nothing {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  }
  const media = { matches: false, addEventListener: () => undefined, removeEventListener: () => undefined };
  window['ResizeObserver'] = Nothing;
  window['IntersectionObserver'] = Nothing;
  window['matchMedia'] = () => ({ ...media, addListener: () => undefined, removeListener: () => undefined });
  window['scrollTo'] = () => undefined;
  (window['Element'] as { prototype: Record<string, unknown> }).prototype['requestFullscreen'] = async () => undefined;
};

const settled = async ({ window: { document } }: Page, isThere: () => boolean): Promise<void> => {
  const until = performance.now() + SETTLED_WITHIN_MS;
  let [size, since] = [-1, performance.now()];
  while (performance.now() < until) {
    const now = [...document.querySelectorAll('body *')].length;
    if (now !== size) [size, since] = [now, performance.now()];
    if (performance.now() - since >= QUIET_MS && isThere()) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error('the page is not there');
};

const visible = (page: Page, selector: string): readonly Element[] =>
  [...page.window.document.querySelectorAll(selector)].filter(
    (one) => one.closest('[aria-hidden=true],[hidden]') === null,
  );

/** A browser sends its login with every request, and this document with none: it asks here, where it is added. */
const loggedIn = async (port: number, login: string): Promise<string> => {
  const authorization = `Basic ${Buffer.from(login).toString('base64')}`;
  const server = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    const onward = request({ host: '127.0.0.1', port, method, path, headers: { ...headers, authorization } }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const [port = '', login = '', ...paths] = process.argv.slice(2);
const base = await loggedIn(Number(port), login);
const controls: Control[] = [];
for (const path of paths) {
  const page = await JSDOM.fromURL(base + path, {
    runScripts: 'dangerously',
    resources: 'usable',
    pretendToBeVisual: true,
    virtualConsole: new VirtualConsole(),
    beforeParse: complete,
  });
  const list = (): void => {
    for (const one of visible(page, CONTROLS))
      controls.push({ page: path, html: one.outerHTML.slice(0, 160), name: computeAccessibleName(one).trim() });
  };
  const isThere = (): boolean => visible(page, 'main button, main a').length > 0 || visible(page, 'button').length > 3;
  await settled(page, isThere);
  list();
  const opened = new Set<string>();
  for (let more = true; more; ) {
    const opener = visible(page, OPENERS).find((one) => !opened.has(computeAccessibleName(one)));
    more = opener !== undefined && opened.size < OPENED_MAX;
    if (opener === undefined) continue;
    opened.add(computeAccessibleName(opener));
    for (const type of ['pointerdown', 'mousedown', 'pointerup', 'mouseup'])
      opener.dispatchEvent(new page.window.MouseEvent(type, { bubbles: true, button: 0 }));
    opener.click();
    await settled(page, isThere);
    list();
  }
  page.window.close();
}
process.stdout.write(JSON.stringify(controls), () => process.exit(0));
