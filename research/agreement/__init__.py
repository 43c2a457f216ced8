"""Single updates of ours against those of Stable-Baselines3: same weights, same data.

`categorical` and `gaussian` compare A2C, with one choice per action and with real numbers; `td3`
compares TD3. Each is a command that prints the largest difference.
"""
