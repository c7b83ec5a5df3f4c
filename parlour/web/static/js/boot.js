// Runs before the page is drawn: what needs scripts may show, what stands in for them need not.
document.documentElement.classList.add("js");
