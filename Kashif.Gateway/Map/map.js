// The page /map. Reports are written by users: their texts become text nodes, never HTML.
const L = globalThis.L;
const api = '/api/v1/reports';
const statuses = ['submitted', 'verified', 'in_progress', 'resolved', 'rejected', 'duplicate', 'withdrawn'];
const texts = {
  en: {
    edited: 'Edited', assigned: 'Assignment changed', routed: 'Responsible: {agency}', unrouted: 'No agency is responsible',
    work: { added: 'Work planned', removed: 'Taken out of the planned work', completed: 'Work done', cancelled: 'Work cancelled' },
    visit: { scheduled: 'Visit planned', confirmed: 'Visit confirmed', moved: 'Visit moved', completed: 'Visit done', cancelled: 'Visit cancelled', missed: 'Visit missed' },
    title: 'Reports in the city', other: 'العربية', filter: 'Filter', category: 'Category', status: 'Status', all: 'All', map: 'Map of reports', skip: 'Skip to the list',
    list: 'Reports on this part of the map', more: 'Show more', retry: 'Try again', loading: 'Loading…', failed: 'The reports could not be loaded.',
    count: { zero: 'No reports here. Move the map or change the filter.', one: '{n} report here, newest first.', other: '{n} reports here, newest first.' },
    cluster: { one: '{n} report. Zoom in.', other: '{n} reports. Zoom in.' }, zoomIn: 'Zoom in', zoomOut: 'Zoom out',
    back: 'Back to the list', missing: 'This report does not exist or is not public.', reported: 'Reported', due: 'To be resolved by',
    photos: 'Photos', photo: 'Photo {n} of {of}', comments: 'Comments', history: 'What happened', city: 'The city', share: 'Link to this report', copy: 'Copy link', copied: 'The link is copied.',
    votes: { one: '{n} person has this problem too', other: '{n} people have this problem too' },
    names: ['Submitted', 'Verified', 'In progress', 'Resolved', 'Rejected', 'Duplicate', 'Withdrawn'],
  },
  ar: {
    edited: 'تم التعديل', assigned: 'تغيّر الموظف المسؤول', routed: 'الجهة المسؤولة: {agency}', unrouted: 'لا جهة مسؤولة',
    work: { added: 'أُدرج في خطة العمل', removed: 'أُخرج من خطة العمل', completed: 'انتهى العمل', cancelled: 'أُلغي العمل' },
    visit: {
      scheduled: 'حُدد موعد زيارة', confirmed: 'تأكد موعد الزيارة', moved: 'تغيّر موعد الزيارة', completed: 'تمت الزيارة', cancelled: 'أُلغيت الزيارة', missed: 'لم تتم الزيارة',
    },
    title: 'بلاغات المدينة', other: 'English', filter: 'تصفية', category: 'الفئة', status: 'الحالة', all: 'الكل', map: 'خريطة البلاغات', skip: 'انتقل إلى القائمة',
    list: 'البلاغات في هذا الجزء من الخريطة', more: 'عرض المزيد', retry: 'حاول مرة أخرى', loading: 'جارٍ التحميل…', failed: 'تعذّر تحميل البلاغات.',
    count: {
      zero: 'لا بلاغات هنا. حرّك الخريطة أو غيّر التصفية.', one: 'بلاغ واحد هنا.', two: 'بلاغان هنا، الأحدث أولاً.', few: '{n} بلاغات هنا، الأحدث أولاً.', many: '{n} بلاغاً هنا، الأحدث أولاً.',
      other: '{n} بلاغ هنا، الأحدث أولاً.',
    },
    cluster: { one: 'بلاغ واحد. كبّر الخريطة.', two: 'بلاغان. كبّر الخريطة.', few: '{n} بلاغات. كبّر الخريطة.', many: '{n} بلاغاً. كبّر الخريطة.', other: '{n} بلاغ. كبّر الخريطة.' },
    zoomIn: 'تكبير', zoomOut: 'تصغير',
    back: 'العودة إلى القائمة', missing: 'هذا البلاغ غير موجود أو غير عام.', reported: 'تاريخ البلاغ', due: 'موعد الحل',
    photos: 'الصور', photo: 'صورة {n} من {of}', comments: 'التعليقات', history: 'ما الذي حدث', city: 'المدينة', share: 'رابط هذا البلاغ', copy: 'نسخ الرابط', copied: 'تم نسخ الرابط.',
    votes: {
      one: 'شخص واحد لديه هذه المشكلة أيضاً', two: 'شخصان لديهما هذه المشكلة أيضاً', few: '{n} أشخاص لديهم هذه المشكلة أيضاً', many: '{n} شخصاً لديهم هذه المشكلة أيضاً',
      other: '{n} شخص لديهم هذه المشكلة أيضاً',
    },
    names: ['مُستلم', 'تم التحقق منه', 'قيد المعالجة', 'تم الحل', 'مرفوض', 'مكرر', 'مسحوب'],
  },
};

const query = new URLSearchParams(location.search);
const language = [query.get('lang'), ...navigator.languages.map(name => name.slice(0, 2))].find(name => Object.hasOwn(texts, name)) ?? 'en';
const locale = navigator.languages.find(name => name.startsWith(language)) ?? language;
const text = texts[language];
const plural = new Intl.PluralRules(locale);
const number = new Intl.NumberFormat(locale);
const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
const find = id => document.getElementById(id);
const [container, message, retry, list, listTitle, rows, more, panel, filterByCategory, filterByStatus, otherLanguage, skip] =
  ['map', 'message', 'retry', 'list', 'list-title', 'reports', 'more', 'report', 'category', 'status', 'language', 'skip'].map(find);
let categories = new Map();

const statusText = status => text.names[statuses.indexOf(status)] ?? status;
const categoryText = code => categories.get(code)?.name[language] ?? code;
const counted = (forms, n) => ((n === 0 && forms.zero) || forms[plural.select(n)] || forms.other).replace('{n}', number.format(n));
const here = () => `${location.pathname}${location.search}`;

/** Makes an element. Strings among the children become text. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter(child => child !== null));
  return made;
}

const userText = (name, content, className = '') => element(name, { dir: 'auto', className }, content);
const badge = status => element('span', { className: `badge status-${status}` }, statusText(status));
const time = instant => element('time', { dateTime: instant }, dateTime.format(new Date(instant)));

async function get(path, parameters, signal) {
  const search = String(new URLSearchParams(Object.entries(parameters ?? {}).filter(([, value]) => value !== null && value !== '')));
  const response = await fetch(`${api}${path}${search && `?${search}`}`, { signal, headers: { Accept: 'application/json', 'Accept-Language': language } });
  if (!response.ok) {
    throw Object.assign(new Error(`${response.status} ${path}`), { status: response.status });
  }

  return response.json();
}

/** Reads all pages of a list. */
async function all(path, signal) {
  const items = [];
  for (let cursor = null; ;) {
    const page = await get(path, { limit: 100, cursor }, signal);
    items.push(...page.items);
    cursor = page.next_cursor;
    if (!cursor) {
      return { items };
    }
  }
}

// --- texts and filter ---------------------------------------------------------------------------

function translate() {
  document.documentElement.lang = language;
  document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr';
  document.title = text.title;
  skip.textContent = text.skip;
  otherLanguage.textContent = text.other;
  otherLanguage.lang = otherLanguage.hreflang = language === 'ar' ? 'en' : 'ar';
  for (const part of document.querySelectorAll('[data-text]')) {
    part.textContent = text[part.dataset.text];
  }

  for (const part of document.querySelectorAll('[data-label]')) {
    part.setAttribute('aria-label', text[part.dataset.label]);
  }
}

function linkOtherLanguage() {
  const parameters = new URLSearchParams(location.search);
  parameters.set('lang', otherLanguage.lang);
  otherLanguage.href = `${location.pathname}?${parameters}${location.hash}`;
}

const filter = () => ({ category: filterByCategory.value, status: filterByStatus.value });

function fillFilter() {
  filterByCategory.replaceChildren(new Option(text.all, ''), ...[...categories.keys()].map(code => new Option(categoryText(code), code)));
  filterByStatus.replaceChildren(new Option(text.all, ''), ...statuses.map(status => new Option(statusText(status), status)));
  for (const [select, name] of [[filterByCategory, 'category'], [filterByStatus, 'status']]) {
    select.value = query.get(name) ?? '';
    if (select.selectedIndex < 0) {
      select.value = '';
    }

    select.addEventListener('change', () => {
      const parameters = new URLSearchParams(location.search);
      parameters.delete(name);
      if (select.value) {
        parameters.set(name, select.value);
      }

      history.replaceState(null, '', `${location.pathname}${String(parameters) && `?${parameters}`}${location.hash}`);
      linkOtherLanguage();
      load();
    });
  }
}

// --- map ----------------------------------------------------------------------------------------

const map = L.map(container, {
  zoomControl: false, attributionControl: false, worldCopyJump: true, minZoom: 2, maxZoom: 19, zoomAnimation: !calm, fadeAnimation: !calm, inertia: !calm, markerZoomAnimation: !calm,
});
const markers = L.layerGroup().addTo(map);
const chosen = L.layerGroup().addTo(map);

function prepareMap() {
  const { tiles, attribution, attributionUrl } = container.dataset;
  L.control.zoom({ zoomInTitle: text.zoomIn, zoomOutTitle: text.zoomOut, position: language === 'ar' ? 'topright' : 'topleft' }).addTo(map);
  if (tiles) {
    // Tile servers such as OpenStreetMap's refuse requests without a referrer. They learn the page's origin, not its address.
    L.tileLayer(tiles, { maxZoom: 19, referrerPolicy: 'origin' }).addTo(map);
    const source = attributionUrl ? element('a', { href: attributionUrl, rel: 'noopener' }, attribution) : element('span', {}, attribution);
    L.control.attribution({ prefix: false }).addTo(map).addAttribution(source.outerHTML);
  }
}

/** West and east within 180 degrees; west is greater than east across the antimeridian. */
function boxOf(bounds) {
  const wrap = longitude => ((((longitude + 180) % 360) + 360) % 360) - 180;
  const [west, east] = bounds.getEast() - bounds.getWest() >= 360 ? [-180, 180] : [wrap(bounds.getWest()), wrap(bounds.getEast())];
  return [west, Math.max(bounds.getSouth(), -90), east, Math.min(bounds.getNorth(), 90)].map(degrees => degrees.toFixed(6)).join(',');
}

/** The bounds, enlarged to whole quarters of map tiles: viewers of the same place send the same requests, which the gateway answers from its cache. */
function gridOf(bounds, zoom) {
  const step = 90 / 2 ** zoom;
  const down = degrees => Math.floor(degrees / step) * step;
  const up = degrees => Math.ceil(degrees / step) * step;
  return L.latLngBounds([down(bounds.getSouth()), down(bounds.getWest())], [up(bounds.getNorth()), up(bounds.getEast())]);
}

/** The copy of the place that is nearest to the centre of the map. */
const near = (latitude, longitude) => L.latLng(latitude, longitude + (360 * Math.round((map.getCenter().lng - longitude) / 360)));

function show(cluster) {
  const one = cluster.report_id !== null;
  const label = one ? `${categoryText(cluster.category)}: ${statusText(cluster.status)}` : counted(text.cluster, cluster.count);
  const size = one ? 26 : Math.min(56, 30 + (6 * Math.floor(Math.log10(cluster.count))));
  const marker = L.marker(near(cluster.latitude, cluster.longitude), {
    title: label,
    icon: L.divIcon({
      className: `marker${cluster.status ? ` status-${cluster.status}` : ''}`, iconSize: [size, size],
      html: element('span', { ariaHidden: 'true' }, one ? '' : number.format(cluster.count)),
    }),
  });
  const open = () => {
    if (one) {
      location.hash = `report=${cluster.report_id}`;
    } else if (map.getZoom() < map.getMaxZoom()) {
      map.setView(marker.getLatLng(), Math.min(Math.max(map.getZoom() + 2, 10), map.getMaxZoom()));
    } else {
      // Reports at one place stay together: the list has them.
      if (!panel.hidden) {
        leave();
      }

      listTitle.focus();
    }
  };
  markers.addLayer(marker.on('click', open));
  const icon = marker.getElement();
  icon.setAttribute('aria-label', label);
  icon.addEventListener('keydown', event => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      open();
    }
  });
}

// --- list ---------------------------------------------------------------------------------------

let loading = new AbortController();
let waiting = 0;
let following = null;
let isPlaced = false;

/** Loads what the map shows. A new call aborts the request of the one before. */
function load() {
  if (!isPlaced) {
    return;
  }

  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    loading.abort();
    const { signal } = loading = new AbortController();
    container.setAttribute('aria-busy', 'true');
    retry.hidden = more.hidden = true;
    const [bounds, zoom] = [map.getBounds(), Math.round(map.getZoom())];
    following = { ...filter(), bbox: boxOf(bounds), sort: 'newest', limit: 50 };
    try {
      const [clusters, page] = await Promise.all([
        get('/clusters', { bbox: boxOf(gridOf(bounds, zoom)), zoom, ...filter() }, signal),
        get('', following, signal),
      ]);
      const focused = container.contains(document.activeElement) && document.activeElement !== container;
      markers.clearLayers();
      clusters.items.forEach(show);
      if (focused && !container.contains(document.activeElement)) {
        container.focus({ preventScroll: true });
      }

      rows.replaceChildren();
      append(page);

      // Clusters are older than the list, and counted by their centre: where the list is whole, it knows better.
      const onMap = clusters.items.filter(cluster => bounds.contains(near(cluster.latitude, cluster.longitude))).reduce((sum, cluster) => sum + cluster.count, 0);
      message.textContent = counted(text.count, page.next_cursor === null ? page.items.length : Math.max(onMap, page.items.length));
      container.setAttribute('aria-busy', 'false');
    } catch (error) {
      fail(error, signal);
    }
  }, 200);
}

function fail(error, signal) {
  if (!signal.aborted) {
    container.setAttribute('aria-busy', 'false');
    message.textContent = text.failed;
    retry.hidden = false;
    console.warn(error);
  }
}

function append(page) {
  rows.append(...page.items.map(report => element('li', {},
    element('a', { href: `#report=${report.id}`, dir: 'auto' }, report.title),
    badge(report.status), ' ',
    element('span', { className: 'facts' }, `${categoryText(report.category)} · `, time(report.created_at)))));
  following.cursor = page.next_cursor;
  more.hidden = page.next_cursor === null;
}

more.addEventListener('click', async () => {
  const { signal } = loading;
  const last = rows.lastElementChild;
  const { cursor } = following;
  try {
    const page = await get('', following, signal);
    if (following.cursor === cursor) {
      append(page);
      last?.nextElementSibling?.querySelector('a').focus();
    }
  } catch (error) {
    fail(error, signal);
  }
});

retry.addEventListener('click', start);

// --- one report ---------------------------------------------------------------------------------

let reading = new AbortController();
let shown = null;

const reportInHash = () => /^#report=([0-9a-f-]{36})$/i.exec(location.hash)?.[1] ?? null;

/** Shows the report of the address, or the list. */
async function route() {
  reading.abort();
  const { signal } = reading = new AbortController();
  linkOtherLanguage();
  const id = reportInHash();
  if (id === null) {
    close();
    return;
  }

  shown = id;
  try {
    const report = await get(`/${id}`, null, signal);
    const none = { items: [] };
    const [changes, photos, comments] = await Promise.all([
      all(`/${id}/history`, signal),
      report.photos > 0 ? get(`/${id}/photos`, null, signal).catch(() => none) : none,
      report.comments > 0 ? all(`/${id}/comments`, signal).catch(() => none) : none,
    ]);
    if (!signal.aborted) {
      open(report, changes.items, photos.items, comments.items);
    }
  } catch (error) {
    if (!signal.aborted) {
      openPanel(element('h2', { id: 'report-title', tabIndex: -1 }, error.status === 404 ? text.missing : text.failed));
      chosen.clearLayers();
    }
  }
}

function open(report, changes, photos, comments) {
  document.title = `${report.title} – ${text.title}`;
  openPanel(
    Object.assign(userText('h2', report.title), { id: 'report-title', tabIndex: -1 }),
    element('p', {}, badge(report.status), ' ', element('span', { className: 'facts' }, categoryText(report.category))),
    element('p', { className: 'facts' }, `${text.reported}: `, time(report.created_at)),
    report.expected_at ? element('p', { className: 'facts' }, `${text.due}: `, time(report.expected_at)) : null,
    report.address ? userText('p', report.address, 'facts') : null,
    report.votes > 0 ? element('p', { className: 'facts' }, counted(text.votes, report.votes)) : null,
    userText('p', report.description, 'description'),
    ...part(text.photos, element('ul', { className: 'photos' }, ...photos.map((photo, index) => photoOf(photo, index, photos.length)))),
    ...part(text.history, element('ol', { className: 'timeline' }, ...changes.map(change => entry(titleOf(change), change.at, change.comment)))),
    ...part(text.comments, element('ol', { className: 'timeline' }, ...comments.map(comment =>
      entry(comment.by_staff ? element('strong', {}, text.city) : null, comment.created_at, comment.text)))),
    element('p', { className: 'actions' }, element('a', { href: location.href }, text.share), ' ', copyButton()));

  const place = near(report.latitude, report.longitude);
  chosen.clearLayers();
  chosen.addLayer(L.marker(place, { interactive: false, keyboard: false, icon: L.divIcon({ className: 'chosen', iconSize: [44, 44] }) }));
  if (!map.getBounds().contains(place)) {
    map.setView(place, Math.max(map.getZoom(), 15));
  }
}

/** A heading and a list, or nothing where the list is empty. */
const part = (title, items) => items.childElementCount > 0 ? [element('h3', {}, title), items] : [];

/** What a change was: a status, or words for a change that keeps it. */
function titleOf({ kind, to, details }) {
  const agency = details?.agency?.name[language];
  const words = {
    edited: text.edited, assigned: text.assigned, routed: agency ? text.routed.replace('{agency}', () => agency) : text.unrouted, work_order: text.work[details?.event], visit: text.visit[details?.event],
  }[kind];
  return words ? element('span', { className: 'badge' }, words, ...(details?.starts_at ? [': ', time(details.starts_at)] : [])) : badge(to);
}

const entry = (title, at, content) => element('li', {}, title, title ? ' ' : '', time(at), content ? userText('p', content) : null);

function photoOf(photo, index, of) {
  const label = text.photo.replace('{n}', number.format(index + 1)).replace('{of}', number.format(of));
  const path = new URL(photo.url, location.origin).pathname;
  return element('li', {}, element('a', { href: path }, element('img', { src: `${path}?size=medium`, alt: label, loading: 'lazy' })));
}

function copyButton() {
  const button = element('button', { type: 'button', hidden: !navigator.clipboard }, text.copy);
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(location.href);
    message.textContent = text.copied;
  });
  return button;
}

function openPanel(...content) {
  const back = element('button', { type: 'button' }, text.back);
  back.addEventListener('click', leave);
  panel.replaceChildren(element('p', { className: 'actions' }, back), ...content.filter(child => child !== null));
  panel.hidden = false;
  list.hidden = true;
  find('side').scrollTop = 0;
  find('report-title').focus();
}

function leave() {
  history.pushState(null, '', here());
  route();
}

function close() {
  if (panel.hidden) {
    return;
  }

  document.title = text.title;
  panel.hidden = true;
  panel.replaceChildren();
  chosen.clearLayers();
  list.hidden = false;
  (rows.querySelector(`a[href="#report=${shown}"]`) ?? listTitle).focus();
}

document.addEventListener('keydown', event => {
  if (event.key === 'Escape' && !panel.hidden) {
    leave();
  }
});

skip.addEventListener('click', event => {
  event.preventDefault();
  find(panel.hidden ? 'list-title' : 'report-title').focus();
});

// --- start --------------------------------------------------------------------------------------

/** The configured place, or where the most reports are. */
async function firstView() {
  const { latitude, longitude, zoom } = container.dataset;
  if (latitude) {
    return [[Number(latitude), Number(longitude)], Number(zoom)];
  }

  const { items: [largest] } = await get('/clusters', { bbox: '-180,-90,180,90', zoom: 6, ...filter() });
  return largest ? [[largest.latitude, largest.longitude], Number(zoom)] : [[20, 0], 2];
}

async function start() {
  retry.hidden = true;
  message.textContent = text.loading;
  try {
    if (categories.size === 0) {
      categories = new Map((await get('/categories')).items.map(category => [category.code, category]));
      fillFilter();
    }

    if (!isPlaced) {
      const id = reportInHash();
      const report = id && await get(`/${id}`).catch(() => null);
      map.setView(...report ? [[report.latitude, report.longitude], 16] : await firstView(), { animate: false });
      map.on('moveend', load);
      addEventListener('hashchange', route);
      isPlaced = true;
      await route();
    }

    load();
  } catch (error) {
    fail(error, new AbortController().signal);
  }
}

translate();
linkOtherLanguage();
prepareMap();
start();
