// Ties the slider over a recording's picture to its player; a file of its own because no policy need allow inline scripts for it.
for (const box of document.querySelectorAll(".recording-player")) {
  const audio = box.querySelector("audio");
  const place = box.querySelector("input");
  if (!place) continue;
  const tell = () => place.setAttribute("aria-valuetext", `${Number(place.value).toFixed(1)} of ${Number(place.max).toFixed(1)} seconds`);
  const follow = () => { place.value = audio.currentTime; tell(); };
  place.hidden = false;
  tell();
  place.addEventListener("input", () => { audio.currentTime = place.valueAsNumber; tell(); });
  place.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    if (audio.paused) audio.play(); else audio.pause();
  });
  for (const moment of ["timeupdate", "seeked", "ended"]) audio.addEventListener(moment, follow);
}
