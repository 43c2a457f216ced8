"""agents.guards"""
