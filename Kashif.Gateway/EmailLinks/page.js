'use strict';

// The pages that the links in e-mails lead to: /verify-email#token=…, /reset-password#token=… and /take-over#token=…
const texts = {
  en: {
    verify: {
      title: 'Verify your e-mail address', button: 'Verify', password: 'The password of your account', done: 'Your e-mail address is verified. You can close this page.',
      note: 'Did you not register? Then close this page: without the password this address stays unverified.',
    },
    reset: { title: 'Choose a new password', button: 'Save', password: 'New password', done: 'Your new password is saved. Sign in with it in the app.' },
    take: { title: 'Choose a password', button: 'Save', password: 'New password', done: 'The account is yours. Sign in with your e-mail address and this password in the app.' },
    incomplete: 'This link is incomplete. Copy the whole link from the e-mail.',
    invalid: 'This link is invalid, expired or already used. Request a new one in the app.',
    taken: 'Another account already has this e-mail address.',
    wrong: 'The password is wrong, or the account is locked after too many attempts.',
    failed: 'That did not work. Try again in a minute.',
  },
  ar: {
    verify: {
      title: 'تأكيد بريدك الإلكتروني', button: 'تأكيد', password: 'كلمة مرور حسابك', done: 'تم تأكيد بريدك الإلكتروني. يمكنك إغلاق هذه الصفحة.',
      note: 'ألم تسجّل أنت؟ أغلق هذه الصفحة: يبقى هذا العنوان غير مؤكَّد من دون كلمة المرور.',
    },
    reset: { title: 'اختر كلمة مرور جديدة', button: 'حفظ', password: 'كلمة المرور الجديدة', done: 'تم حفظ كلمة المرور الجديدة. سجّل الدخول بها في التطبيق.' },
    take: { title: 'اختر كلمة مرور', button: 'حفظ', password: 'كلمة المرور الجديدة', done: 'أصبح الحساب لك. سجّل الدخول في التطبيق ببريدك الإلكتروني وكلمة المرور هذه.' },
    incomplete: 'هذا الرابط غير كامل. انسخ الرابط كاملاً من الرسالة.',
    invalid: 'هذا الرابط غير صالح أو منتهي الصلاحية أو مستخدم من قبل. اطلب رابطاً جديداً من التطبيق.',
    taken: 'يوجد حساب آخر بعنوان البريد الإلكتروني هذا.',
    wrong: 'كلمة المرور غير صحيحة، أو أن الحساب مقفل بعد محاولات كثيرة.',
    failed: 'لم تنجح العملية. حاول مرة أخرى بعد دقيقة.',
  },
};

const language = navigator.languages.map(name => name.slice(0, 2)).find(name => name in texts) ?? 'en';
const text = texts[language];
const resets = location.pathname.startsWith('/reset-password');
const takes = location.pathname.startsWith('/take-over');
const page = resets ? text.reset : takes ? text.take : text.verify;
const path = resets ? 'password/reset' : takes ? 'take-over' : 'email/verify';
const token = new URLSearchParams(location.hash.slice(1)).get('token');
const [heading, status, form, note, label, password, button] = ['h1', '[role=status]', 'form', '#note', 'label', 'input', 'button'].map(name => document.querySelector(name));

// The token works once, and must not stay in the history.
history.replaceState(null, '', location.pathname);
document.documentElement.lang = language;
document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr';
document.title = heading.textContent = page.title;
button.textContent = page.button;
label.textContent = page.password;
note.textContent = page.note ?? '';
note.hidden = resets || takes;
password.autocomplete = resets || takes ? 'new-password' : 'current-password';
if (token) {
  form.hidden = false;
} else {
  status.textContent = text.incomplete;
}

// A click, because mail scanners open links.
form.addEventListener('submit', async event => {
  event.preventDefault();
  button.disabled = true;
  status.textContent = await send();
  button.disabled = false;
});

async function send() {
  try {
    const response = await fetch(`/api/v1/auth/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Accept-Language': language },
      body: JSON.stringify(resets ? { token, new_password: password.value } : { token, password: password.value }),
    });
    if (response.ok) {
      form.hidden = true;
      return page.done;
    }

    const problem = await response.json();
    return problem.code === 'invalid_token' ? text.invalid
      : problem.code === 'email_taken' ? text.taken
      : problem.code === 'wrong_password' || problem.code === 'too_many_attempts' ? text.wrong
      : (problem.errors?.new_password ?? problem.errors?.password)?.[0] ?? text.failed;
  } catch {
    return text.failed;
  }
}
