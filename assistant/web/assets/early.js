(() => {
  // The person's own choice of language and theme speaks before Gradio reads the browser's.
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage is blocked: the browser decides
    }
  };
  const language = kept("youju-lang");
  if (language === "zh-CN" || language === "en") {
    Object.defineProperty(navigator, "language", { get: () => language });
    Object.defineProperty(navigator, "languages", { get: () => [language] });
  }
  const theme = kept("youju-theme");
  if (theme === "dark" || theme === "light") {
    const real = window.matchMedia.bind(window);
    window.matchMedia = (query) => {
      const found = real(query);
      if (!String(query).includes("prefers-color-scheme")) return found;
      const matches = String(query).includes(theme);
      return new Proxy(found, {
        get: (target, name) => {
          if (name === "matches") return matches;
          const value = target[name];
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    };
  }
})();
