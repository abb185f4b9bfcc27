// The answer goes back to the course by itself; without JavaScript there is the button.
document.getElementById("return").submit();
