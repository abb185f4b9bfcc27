"""What Chromium leaves out when Amphi starts it."""

# Chromium heeds the last list alone, and Playwright passes one of its own: this one repeats it.
_PLAYWRIGHTS = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "TcpPortRandomizationWin",
    "ThirdPartyStoragePartitioning",
    "msEdgeUpdateLaunchServicesPreferredVersion",
    "msForceBrowserSignIn",
)
# Hidden pages for what drops down below an address bar, which nobody sees here: they take more processor time than all else of
# the browser's start, and a process.
_ADDRESS_BAR = ("WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "WebUIOmniboxPopup")

WITHOUT_FEATURES = "--disable-features=" + ",".join((*_PLAYWRIGHTS, *_ADDRESS_BAR))
"""The argument for Chromium."""
