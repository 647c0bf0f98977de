// Shows what the console says that this display shows; when it says nothing more, so does this.
"use strict";
const screen_ = document.getElementById("screen");
const source = new EventSource(screen_.dataset.from);
source.onmessage = (message) => { screen_.innerHTML = JSON.parse(message.data); };
source.onerror = () => { screen_.firstElementChild.className = "face off"; };
