"""agents.evaluation"""
