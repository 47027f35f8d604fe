// Who has no mouse scrolls with the arrow keys, in what has the focus: code and tables that are too wide.
const scrolling = () => {
  for (const box of document.querySelectorAll('pre, .table-wrapper')) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute('tabindex');
  }
};
addEventListener('load', scrolling);
addEventListener('resize', scrolling);
