"""The switch for clients of the reference platform that change nothing but their base URL: every address of the API, under a prefix.

Under it responses differ where that platform's types leave no room for ours. A layer whose words differ asks `is_compatible` too.
Without the prefix nothing changes. docs/integrate/from-other-platforms.md tells it.
"""
